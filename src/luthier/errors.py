"""Every exception Luthier raises, and whose fault each one is.

The tree, by the person who can mend it::

    LuthierError
    ├── UsageError          yours: a bad option, file or name       exit 2
    │   ├── SpaceError        a parameter that can't be searched
    │   ├── CommandError      a command that can't be rendered
    │   └── AliveError        the experiment already has a driver
    ├── NotFound            yours: nothing has that number          exit 4
    ├── StoreError          the disk's or the database's            exit 3
    │   ├── SchemaError       written by a newer Luthier
    │   ├── StoreUnavailable  the server can't be reached now
    │   └── ConflictError     the record moved on; nothing was written
    ├── TrialError          the trial's: recorded, the search goes on
    └── IllegalTransition   ours: a state machine was misused       exit 70

A message has three parts: what happened, to which thing, what to do next. ``str(error)`` is that message, whole;
the command line prints it alone, with no traceback, and leaves with ``exit_code``. Anything that is not a
LuthierError is a bug of ours and keeps its traceback. ``Interrupted`` is a person's wish, not an error.
"""

from __future__ import annotations

__all__ = [
    "AliveError",
    "CommandError",
    "ConflictError",
    "IllegalTransition",
    "Interrupted",
    "LuthierError",
    "NotFound",
    "SchemaError",
    "SpaceError",
    "StoreError",
    "StoreUnavailable",
    "TrialError",
    "UsageError",
]


class LuthierError(Exception):
    """Is raised, in one of its kinds, for everything that Luthier foresees."""

    exit_code = 70


class UsageError(LuthierError):
    """Says what was typed or written wrongly, where, and what would be right."""

    exit_code = 2


class SpaceError(UsageError):
    """Says which parameter can't be searched as it was declared, and why."""


class CommandError(UsageError):
    """Says which word of a command can't be rendered, and why."""


class AliveError(UsageError):
    """Says that another living process drives this experiment, and how to follow it."""


class NotFound(LuthierError):
    """Says that no experiment, trial or metric has the given name or number."""

    exit_code = 4


class StoreError(LuthierError):
    """Says that the store could not be opened, read or written. Nothing that was acknowledged is lost."""

    exit_code = 3


class StoreUnavailable(StoreError):
    """Says that the store's server could not be reached for as long as was asked. What it acknowledged is safe, and
    whoever asks again later may find it there."""


class SchemaError(StoreError):
    """Says that a store was written by a Luthier whose schema this one does not know."""


class ConflictError(StoreError):
    """Says that a record was changed by somebody else first. Nothing was written."""


class TrialError(LuthierError):
    """Says why one trial could not be evaluated. It is recorded with the trial; the search goes on."""

    exit_code = 1


class IllegalTransition(LuthierError):
    """Says that a trial was asked for a step its state does not allow: a defect of ours."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while a function is called in this very process. What the function raises by itself is its own failure."""

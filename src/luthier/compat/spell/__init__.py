"""Spell's Python package: searches begun from a program, and `send_metric` within one.

    from luthier.compat import spell

    client = spell.client.from_environment()
    search = client.hyper.new_grid_search({"rate": spell.client.hyper.ValueSpec([0.1, 1])},
                                          command="python train.py --rate :rate:")
    for run in search.runs:
        run.wait_status(*client.runs.FINAL)

Nothing is loaded before it is used: a training program that only sends metrics stays as quick as it was. The files
beside this one say what Spell's words mean here, for the command line as well: `asking` what was asked for, `params` and
`commands` how it was written, `code` what is run, `beginning`, `looking`, `ending`, `kept`, `resources`, `points`.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from luthier.compat.spell import api, client, metrics
    from luthier.compat.spell.errors import SpellError

__all__ = ["SpellError", "api", "client", "metrics"]


def __getattr__(name: str) -> object:
    """Loads `client`, `metrics`, `api` and `SpellError` when they are asked for."""
    if name in ("api", "client", "metrics"):
        return import_module(f"luthier.compat.spell.{name}")
    if name == "SpellError":
        return import_module("luthier.compat.spell.errors").SpellError
    raise AttributeError(f"module 'luthier.compat.spell' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

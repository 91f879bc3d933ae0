"""What a trial's program finds around it, beside the machine: variables, files, a container. A part of a `Description`.

Texts here are templates: `{{name}}` is a parameter as it is written, `{{name|json}}` and `{{name|yaml}}` the same as a
literal of that language, and `${LUTHIER_OUTPUT_DIR}` any of the variables that Luthier gives an attempt. Who fills them
in is `run.templates`; who starts containers is `run`. Nothing here looks at a machine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Environment"]


class Environment(NamedTuple):
    """`variables` are added to the program's environment. `files` are written into the attempt's output folder before it
    starts: their text by their path there. `image` names a container image to run in, after the `install` commands ran in
    it once; `mounts` are `SOURCE:TARGET[:ro]`. Where no container engine works, `strict` says that this is an error; else
    the program runs without, and that is said."""

    variables: dict[str, str] = {}  # noqa: RUF012  never changed, as nothing here is
    files: dict[str, str] = {}  # noqa: RUF012
    image: str | None = None
    install: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    strict: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is as usual is left out, so that identities outlive new fields."""
        return {name: value for name, value in self._asdict().items() if value != self._field_defaults[name]}

    @classmethod
    def from_dict(cls, data: dict[str, Any] | None) -> Environment | None:
        """Reads what `to_dict` wrote."""
        if data is None:
            return None
        made = cls(**data)
        return made._replace(install=tuple(made.install), mounts=tuple(made.mounts))

"""Fills in the templates of an `Environment`: a trial's variables and files.

`{{name}}` and its kin are parameters, `${LUTHIER_…}` variables of the attempt; all are replaced in one pass, so what a
value looks like does not matter. An inactive parameter is empty, and `null` as JSON and YAML. `{{!}}` is a `{{` and
`{{$}}` a `$` that begins nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from luthier.environment import Environment
from luthier.errors import CommandError, TrialError
from luthier.run.folders import AttemptFolder
from luthier.space.nearest import hint

__all__ = ["check_environment", "filled", "surround"]

HOLE = re.compile(r"\{\{\s*([^{}|]*?)\s*(?:\|\s*(\w*)\s*)?\}\}|\$\{(LUTHIER_[A-Z0-9_]+)\}")
LITERALS = {"!": "{{", "$": "$"}
PLAIN_YAML = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./+ -]*(?<! )")
NOT_TEXT_IN_YAML = re.compile(r"(?i)true|false|yes|no|on|off|null|~|[-+.0-9].*|\.(inf|nan)")


def check_environment(environment: Environment, names: Iterable[str]) -> None:
    """Makes sure that every template can be filled in for a space with these parameters.

    **Raises** CommandError for an unknown parameter or form, a name that is no variable's, a path that leads out of the
    output folder.
    """
    known = tuple(names)
    for name, text in environment.variables.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise CommandError(f"{name!r} is no name for an environment variable")
        if name.startswith("LUTHIER_"):
            raise CommandError(f"the variable {name} is Luthier's own; choose a name that does not begin so")
        _check(f"the variable {name}", text, known)
    for path, text in environment.files.items():
        where = PurePosixPath(path)
        if where.is_absolute() or ".." in where.parts or not where.parts:
            raise CommandError(f"the file {path!r} has to be inside the output folder, by a relative path")
        _check(f"the file {path}", text, known)


def _check(what: str, text: str, known: tuple[str, ...]) -> None:
    if "\0" in text:
        raise CommandError(f"{what} holds a NUL")
    for match in HOLE.finditer(text):
        name, form = match[1], match[2]
        if name in LITERALS:
            continue
        if name is not None and name not in known:
            have = ", ".join(known) or "none"
            raise CommandError(
                f"{what} names {match[0]}, and there is no parameter {name!r}{hint(name, known)}; "
                f"the parameters are: {have}"
            )
        if form is not None and form not in ("json", "yaml"):
            raise CommandError(f"{what} wants {match[0]}; the forms are |json and |yaml")


def filled(
    template: str, texts: Mapping[str, str], values: Mapping[str, Any], variables: Mapping[str, str]
) -> str:
    """The template with everything in its place. `variables` are the attempt's own; an unknown one stays as it is."""

    def replacement(match: re.Match[str]) -> str:
        name, form, variable = match[1], match[2], match[3]
        if variable is not None:
            return variables.get(variable, match[0])
        if name in LITERALS:
            return LITERALS[name]
        if form == "json":
            return json.dumps(values.get(name), ensure_ascii=False)
        if form == "yaml":
            return _yaml(texts.get(name), values.get(name))
        return texts.get(name, "")

    return HOLE.sub(replacement, template)


def _yaml(text: str | None, value: Any) -> str:
    """A literal of YAML: a number as it is written, text in quotes where it would be read as anything else."""
    if not isinstance(value, str) or text is None:
        return json.dumps(value, ensure_ascii=False) if text is None or isinstance(value, list) else text
    if PLAIN_YAML.fullmatch(text) and not NOT_TEXT_IN_YAML.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def surround(
    environment: Environment,
    texts: Mapping[str, str],
    values: Mapping[str, Any],
    variables: Mapping[str, str],
    folder: AttemptFolder,
) -> dict[str, str]:
    """Writes the files of an attempt into its output folder and returns its variables, the user's own with them.

    **Holds** may be repeated. **Raises** TrialError when the disk refuses.
    """
    for path, text in environment.files.items():
        place = f"{folder.outputs}/{path}"
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf-8") as file:
                file.write(filled(text, texts, values, variables))
        except OSError as error:
            raise TrialError(f"{place} could not be written: {error.strerror}") from error
    added = {name: filled(text, texts, values, variables) for name, text in environment.variables.items()}
    return {**added, **variables}

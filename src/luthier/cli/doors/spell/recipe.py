"""`--save-command` and `--from-file`: the options and the command of a search as a YAML file.

    command: python train.py --learning_rate :rate:
    kind: hyper grid
    param: [rate=0.001,0.01]

What stands on the command line wins over the file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from luthier.cli.doors.spell.options import is_given
from luthier.cli.output import say
from luthier.compat.secrets import is_secret
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.passwords import refuse_users
from luthier.compat.spell.surroundings import check_image
from luthier.drive.repository import without_credentials
from luthier.job.document import Document, Node
from luthier.space import Value
from luthier.space.nearest import hint

__all__ = ["read_recipe", "save_recipe"]

_NOT_KEPT = ("place", "from_file", "save_command", "show_native", "verbose", "force")


def _names() -> dict[str, click.Parameter]:
    """The options of this command by the names they have in a file: `num-runs`, `param`, `env`."""
    found: dict[str, click.Parameter] = {}
    for parameter in click.get_current_context().command.params:
        if parameter.name not in _NOT_KEPT and isinstance(parameter, click.Option):
            longest = max(parameter.opts, key=len).lstrip("-")
            found[longest] = parameter
    return found


def save_recipe(kind: str, options: dict[str, Any]) -> int:
    """Writes the file named by --save-command."""
    from io import StringIO

    from ruamel.yaml import YAML

    kept, left = _kept(options)
    content = {"kind": kind, "command": _written(options["command"]), **kept}
    text, yaml = StringIO(), YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output = False, False  # type: ignore[assignment]
    yaml.dump(content, text)
    target = Path(options["save_command"])
    try:
        target.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise SpellError(f"--save-command {target} could not be written: {error.strerror}") from None
    if left:
        say(f"notice: {', '.join(left)} is not written down, as it looks like a secret")
    say(f"Saved to {target}; run it with: luthier spell {kind} --from-file {shlex.quote(str(target))}")
    return 0


def _kept(options: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The options that were given, and the variables left out. **Raises** SpellError for an address with a password."""
    refuse_users("the command", options["command"])
    kept: dict[str, Any] = {}
    left: list[str] = []
    for name, parameter in _names().items():
        assert parameter.name is not None
        value = options[parameter.name]
        if name == "env":
            pairs = [text.partition("=") for text in value]
            left = [variable for variable, _, text in pairs if is_secret(variable, text)]
            value = tuple("".join(pair) for pair in pairs if pair[0] not in left)
        elif name == "github-url":
            value = value and without_credentials(value)
        texts = value if isinstance(value, tuple) else (value,)
        refuse_users(f"--{name}", [text for text in texts if isinstance(text, str)])
        if value is not None and value != () and (value is not False or name == "maximize"):
            kept[name] = list(value) if isinstance(value, tuple) else value
    return kept, left


def _written(words: Sequence[str]) -> str | list[str]:
    """The command in a line where that says the same, else its words."""
    if len(words) == 1 or all(re.fullmatch(r"[\w@%+=:,./{}-]+", word) for word in words):
        return " ".join(words)
    return list(words)


def read_recipe(kind: str, options: dict[str, Any]) -> None:
    """Adds to `options` what the file named by --from-file has and the command line has not.

    **Raises** SpellError or UsageError naming the file and the place of what can't be taken.
    """
    from luthier.job.document import read_document

    document = read_document(options["from_file"])
    content = document.root.content
    if not isinstance(content, dict):
        raise document.error("this is no mapping of options; write what --save-command writes")
    known = _names()
    for key, (_, node) in content.items():
        texts = _texts(node)
        if texts is None:
            raise document.error(f"{key} is a text or a list of texts", [key])
        if key == "kind":
            if texts != [kind]:
                raise document.error(
                    f"this was saved of spell {' '.join(texts)}, and this is spell {kind}", [key]
                )
        elif key == "command":
            options["command"] = options["command"] or tuple(texts)
        elif key in known:
            _take(document, known[key], key, texts, options)
        else:
            raise document.error(f"there is no option {key!r}{hint(key, (*known, 'command', 'kind'))}", [key])


def _texts(node: Node) -> list[str] | None:
    """What a node has, as texts; None for what is no text and no list of texts."""
    items = node.content if isinstance(node.content, list) else [node]
    found = [item.content.text for item in items if isinstance(item.content, Value)]
    return found if len(found) == len(items) else None


def _take(
    document: Document, parameter: click.Parameter, key: str, texts: list[str], options: dict[str, Any]
) -> None:
    """Puts the value of one option where the command line has none."""
    assert parameter.name is not None
    if is_given(parameter.name):
        return
    if len(texts) != 1 and not parameter.multiple:
        raise document.error(f"{key} takes one value", [key])
    given: Any = tuple(texts) if parameter.multiple else texts[0]
    try:
        options[parameter.name] = parameter.type_cast_value(click.get_current_context(), given)
        if key == "docker-image":
            check_image(texts[0])
    except click.BadParameter as error:
        raise document.error(f"{key}: {error.message}", [key]) from None
    except SpellError as error:
        raise document.error(str(error), [key]) from None

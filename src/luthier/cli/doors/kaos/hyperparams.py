"""The file of hyperparameters: JSON, an object from names to lists; all combinations of it are a job.

The names keep the file's order, the last one changing fastest; tables show them by the alphabet. The file's hash is kaos's
own, so that the file on its page is `3fbf2`. `{}` means no hyperparameters.
"""

from __future__ import annotations

from pathlib import Path

from luthier.errors import UsageError
from luthier.job.document import Document, Node, read_document
from luthier.space import Categorical, Parameter, Space, Value
from luthier.space.value import canonical_text

__all__ = ["hash_of", "rows", "space_of"]

MOST = 100_000
"""Combinations of a job; beyond this a grid is a mistake, and its table endless."""


def hash_of(content: bytes) -> str:
    """Five hex digits of a file: every 26th of its SHA-512.

    **Source** what kaos's page shows for the file it prints.
    """
    from hashlib import sha512

    digest = sha512(content).hexdigest()
    return "".join(digest[i] for i in range(0, 5 * 26, 26))


def space_of(path: Path) -> Space:
    """The space a file of hyperparameters declares; an empty one for `{}`.

    **Raises** UsageError beginning with file:line:column, naming the parameter.
    """
    document = read_document(path)
    _check_json(path)
    if not isinstance(document.root.content, dict):
        raise document.error('hyperparameters are an object from names to lists, such as {"degree": [3, 5]}')
    parameters = [_parameter(document, name, node) for name, (_, node) in document.root.content.items()]
    space = Space(tuple(parameters))
    count = space.finite_count()
    if count > MOST:
        raise document.error(f"these are {count:,} combinations, more than {MOST:,}; list fewer values")
    return space


def _check_json(path: Path) -> None:
    """Refuses YAML, whatever the file is called: what is set is kept, and read again, as JSON."""
    import json

    try:
        json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UsageError(f"{path}: hyperparameters are JSON: {error}") from None


def _parameter(document: Document, name: str, node: Node) -> Parameter:
    content = node.content
    if isinstance(content, Value):
        shown = canonical_text([content.value])
        raise document.error(
            f"the parameter {name!r} is no list of values; write {shown} for one value", (name,)
        )
    if isinstance(content, dict):
        raise document.error(f"the parameter {name!r} is an object; write a list of values", (name,))
    if not content:
        raise document.error(f"the parameter {name!r} has an empty list; list at least one value", (name,))
    from luthier.errors import SpaceError
    from luthier.space.declared import declare_parameter

    try:
        made = declare_parameter(name, [item.plain() for item in content])
    except SpaceError as error:
        raise document.error(str(error), (name,)) from None
    if not isinstance(made.domain, Categorical):
        raise document.error(f"the parameter {name!r} is no list of values", (name,))
    return made


def rows(space: Space) -> list[dict[str, str]]:
    """All combinations as texts, in their order."""
    return [space.at(i).texts() for i in range(space.finite_count())]

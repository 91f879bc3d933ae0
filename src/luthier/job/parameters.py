"""The file of `--params`: the parameters of a search in YAML or JSON.

An object from names to lists is the form of kaos's files, `range: {min, max, step}` that of RiseML's `parameters:`
section, which may stand under that key or by itself. What a declaration means is read in `space/declared.py`; this
module adds the place in the file to its errors.
"""

from __future__ import annotations

from pathlib import Path

from luthier.errors import UsageError
from luthier.job.document import Document, Node, read_document
from luthier.space import Space
from luthier.space.declared import ALL_KEYS, DeclarationError, declare

__all__ = ["declared_space", "load_parameters"]


def load_parameters(path: str | Path) -> Space:
    """The space that a YAML or JSON file declares.

    **Raises** UsageError beginning with file:line:column.
    """
    document = read_document(path)
    root = document.root
    under: tuple[str, ...] = ()
    if isinstance(root.content, dict) and list(root.content) == ["parameters"]:
        inner = root.content["parameters"][1]
        if isinstance(inner.content, dict) and not (inner.content.keys() & set(ALL_KEYS)):
            root, under = inner, ("parameters",)
    return declared_space(document, root, under)


def declared_space(document: Document, node: Node, under: tuple[str | int, ...] = ()) -> Space:
    """The space that a part of a document declares; `under` is the path that leads to it.

    **Raises** UsageError beginning with file:line:column.
    """
    if not isinstance(node.content, dict):
        raise document.error(
            "this is no mapping from parameter names to values; write NAME: [VALUE, VALUE]", under
        )
    if not node.content:
        raise document.error("there are no parameters; write NAME: [VALUE, VALUE]", under)
    try:
        return declare(node.plain())
    except DeclarationError as error:
        raise UsageError(f"{document.place((*under, *error.path))}: {error}") from None

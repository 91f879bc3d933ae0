"""Writes a tree of mappings, lists, texts, numbers and `Value`s as YAML that `document.py` reads back as the same.

Numbers keep the way they were written, texts stand bare where no reader of YAML, 1.1 or 1.2, takes them for anything
else, and long texts stand as blocks. What the keys mean is no matter here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.job.document import NO_NUMBERS, NULLS, WORDS
from luthier.space import Value
from luthier.space.value import canonical_text, read_number

__all__ = ["block", "flow", "scalar"]

WIDE = 100
BARE = re.compile(
    r"-{0,2}[A-Za-z_./][\w./+=@%()-]*(?: [\w./+=@%<>*()-]+)*|[0-9]+(?:\.[0-9]+)?(?:[smhd]|[kMGT]i?)", re.ASCII
)
WORDS_OF_1_1 = {"yes", "no", "on", "off", "y", "n"}
BARE_NUMBER = re.compile(r"[-+.0-9][-+.0-9eE]*")


def block(tree: Mapping[str, Any], expanded: Sequence[str] = ()) -> str:
    """A mapping, an entry a line; the entries of those under the `expanded` keys have lines of their own as well."""
    lines: list[str] = []
    for key, value in tree.items():
        if key in expanded and isinstance(value, Mapping) and value:
            lines.append(f"{scalar(key)}:")
            lines += [line for name, each in value.items() for line in _entry(name, each, "  ")]
        else:
            lines += _entry(key, value, "")
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, indent: str) -> list[str]:
    """The lines of `key: value`."""
    name = f"{indent}{scalar(key)}:"
    if isinstance(value, str) and _is_for_block(value):
        sign = "|" if value.endswith("\n") else "|-"
        inner = [f"{indent}  {line}" if line else "" for line in value.removesuffix("\n").split("\n")]
        return [f"{name} {sign}", *inner]
    line = f"{name} {flow(value)}"
    if isinstance(value, Mapping) and len(line) > WIDE and not indent:
        return [name, *(each for key, inner in value.items() for each in _entry(key, inner, "  "))]
    if isinstance(value, (list, tuple)) and value and (len(line) > WIDE or _has_mappings(value)):
        return [name, *(f"{indent}  - {flow(item)}" for item in value)]
    return [line]


def _has_mappings(items: Sequence[Any]) -> bool:
    return any(isinstance(item, Mapping) for item in items)


def _is_for_block(text: str) -> bool:
    """Whether a text of several lines can stand as a block and come back unchanged."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and all(line.isprintable() and line == line.rstrip() for line in lines)
        and bool(lines[0] and lines[-1] and lines[0][0] != " ")
    )


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Value):
        return _written(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def _written(value: Value) -> str:
    """A value the way it was written, where that reads back as the same."""
    plain = value.value
    if isinstance(plain, str) or (isinstance(plain, (list, tuple, dict)) and value.written is None):
        return flow(plain)
    if value.written is None:
        return scalar(plain)
    if BARE_NUMBER.fullmatch(value.written) or value.written in (*WORDS, *NULLS[1:]):
        return value.written
    return scalar(plain)


def scalar(value: Any) -> str:
    """A plain text, number, flag or nothing as YAML, never more than one line."""
    if not isinstance(value, str):
        return canonical_text(value)
    if BARE.fullmatch(value) and not _is_other(value):
        return value
    if '"' in value and "'" not in value and value.isprintable() and value.isascii():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=not value.isprintable())


def _is_other(text: str) -> bool:
    """Whether a bare text would be read as a number, a flag or nothing."""
    return (
        text in NULLS
        or text.lower() in WORDS_OF_1_1
        or text in WORDS
        or text.lower() in NO_NUMBERS
        or read_number(text) is not None
    )

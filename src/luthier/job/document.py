"""Reads a YAML 1.2 or JSON file as a tree that knows where everything stands and how it was written.

Only data: no tags, no merge keys, no cycles. Limits keep a hostile file harmless: 1 MB, 50 levels, 50 aliases and
none inside an anchored block. A duplicate key is an error that names both lines. What the tree means is read
elsewhere; here `plain` turns it into dicts and lists with `Value`s, and `Document.place` into file:line:column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

from luthier.errors import UsageError
from luthier.space import Value
from luthier.space.value import read_number

__all__ = ["Document", "Node", "parse_document", "read_document"]

LARGEST_BYTES = 1_000_000
DEEPEST = 50
MOST_ALIASES = 50
WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NULLS = ("", "~", "null", "Null", "NULL")
CONSTANT = re.compile(r'"(?:\\.|[^"\\])*"|(-?Infinity|NaN)')
"""What JSON has no number for; texts are passed over."""

NO_NUMBERS = (".inf", "+.inf", "-.inf", ".nan")


@dataclass(frozen=True, eq=False)
class Node:
    """A part of a document: `content` is a Value, a list of nodes, or a dict from keys to (key's node, node).

    `line` and `column` count from 1.
    """

    content: Value | list[Node] | dict[str, tuple[Node, Node]]
    line: int
    column: int

    def plain(self) -> Any:
        """The node as Values, lists and dicts."""
        match self.content:
            case list() as items:
                return [item.plain() for item in items]
            case dict() as entries:
                return {key: node.plain() for key, (_, node) in entries.items()}
            case value:
                return value


@dataclass(frozen=True)
class Document:
    """A file that was read: its path as the user gave it, and its tree."""

    path: str
    root: Node

    def place(self, path: Sequence[str | int] = ()) -> str:
        """`file:line:column` of what keys and indexes lead to: of the last key, or of the innermost that exists."""
        node, at = self.root, self.root
        for step in path:
            if isinstance(node.content, dict) and str(step) in node.content:
                at, node = node.content[str(step)]
            elif isinstance(node.content, list) and isinstance(step, int) and step < len(node.content):
                at = node = node.content[step]
            else:
                break
        return f"{self.path}:{at.line}:{at.column}"

    def error(self, problem: str, path: Sequence[str | int] = ()) -> UsageError:
        """The error to raise about what stands at `path`."""
        return UsageError(f"{self.place(path)}: {problem}")


def read_document(path: str | Path) -> Document:
    """Reads a file, YAML or JSON.

    **Raises** UsageError, beginning with file:line:column, for what can't be read and for every limit passed.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror or error}; name a YAML or JSON file"
        ) from None
    if len(data) > LARGEST_BYTES:
        raise UsageError(
            f"{path} is larger than {LARGEST_BYTES // 1_000_000} MB; a description needs a few lines"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{line}:1: this is not UTF-8 text; save the file as UTF-8") from None
    return parse_document(str(path), text)


def parse_document(path: str, text: str) -> Document:
    """Reads the text of a file, JSON where its name says so.

    **Raises** UsageError, as `read_document`.
    """
    is_json = path.lower().endswith(".json")
    return Document(path, _Reader(path, _prepared(path, text, is_json)).read())


def _prepared(path: str, text: str, is_json: bool) -> str:
    """JSON that a YAML reader takes: checked, its tabs made blanks (a JSON string holds none)."""
    if not is_json and not text.lstrip().startswith("{"):
        return text

    def refuse(word: str) -> Never:
        at = next((found.start(1) for found in CONSTANT.finditer(text) if found[1] == word), 0)
        raise UsageError(
            f"{path}{_place(text, at)}: {word} is no JSON number; write a finite one, or quote the word"
        )

    try:
        json.loads(text, parse_constant=refuse if is_json else None)
    except json.JSONDecodeError as error:
        if is_json:
            raise UsageError(f"{path}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}") from None
        return text
    except (RecursionError, ValueError):
        return text
    return text.replace("\t", " ")


class _Reader:
    """Builds the tree from the events of the YAML parser."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.anchors: dict[str, Node] = {}
        self.open_anchors: list[str] = []
        self.aliases = 0
        self.events: Iterator[Any] = iter(())
        self.at = (1, 1)

    def read(self) -> Node:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            self.events = iter(YAML(typ="safe", pure=True).parse(self.text))
            return self._document()
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f":{mark.line + 1}:{mark.column + 1}" if mark else f":{self.at[0]}:{self.at[1]}"
            raise UsageError(
                f"{self.path}{place}: this is not YAML: {error.problem or error.context}{self._advice(mark)}"
            ) from None
        except YAMLError as error:
            place = _place(self.text, getattr(error, "position", 0))
            raise UsageError(f"{self.path}{place}: this is not YAML: {str(error).splitlines()[0]}") from None
        except (RecursionError, ValueError, OverflowError) as error:
            place = f":{self.at[0]}:{self.at[1]}"  # of what was read last
            raise UsageError(
                f"{self.path}{place}: this is not YAML: {str(error) or type(error).__name__}"
            ) from None

    def _advice(self, mark: Any) -> str:
        """What to do where a placeholder is what YAML stumbles over."""
        line = self.text.splitlines()[mark.line : mark.line + 1] if mark else []
        if line and (re.search(r":[\w-]+:", line[0]) or "{{" in line[0]):
            return "; put quotes around a text with :name: in it, or that begins with {{"
        return ""

    def _document(self) -> Node:
        event = self._next()
        while type(event).__name__ in ("StreamStartEvent", "DocumentStartEvent"):
            event = self._next()
        if type(event).__name__ == "StreamEndEvent":
            return Node({}, 1, 1)
        root = self._node(event, 0)
        self._next()
        event = self._next()
        if type(event).__name__ != "StreamEndEvent":
            self._refuse(event, "a second document begins here; keep one in a file")
        return root

    def _next(self) -> Any:
        event = next(self.events)
        self.at = (event.start_mark.line + 1, event.start_mark.column + 1)
        return event

    def _node(self, event: Any, depth: int) -> Node:
        if depth > DEEPEST:
            self._refuse(event, f"this is more than {DEEPEST} levels deep; write it flatter")
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event)
        tag = getattr(event, "tag", None)
        if tag is not None and not (kind == "ScalarEvent" and str(tag).endswith(":str")):
            self._refuse(event, f"the tag {tag} is not supported; write plain values")
        if event.anchor is not None:
            self.open_anchors.append(event.anchor)
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        content: Value | list[Node] | dict[str, tuple[Node, Node]]
        if kind == "ScalarEvent":
            content = self._scalar(event, tag)
        elif kind == "SequenceStartEvent":
            content = self._sequence(depth)
        else:
            content = self._mapping(depth)
        node = Node(content, line, column)
        if event.anchor is not None:
            self.open_anchors.pop()
            self.anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            self._refuse(event, f"there are more than {MOST_ALIASES} aliases; write the values out")
        if self.open_anchors:
            self._refuse(
                event, f"the alias *{event.anchor} stands inside &{self.open_anchors[-1]}; write it out"
            )
        if event.anchor not in self.anchors:
            self._refuse(
                event, f"the alias *{event.anchor} has no anchor before it; write &{event.anchor} there"
            )
        return self.anchors[event.anchor]

    def _sequence(self, depth: int) -> list[Node]:
        items = []
        while type(event := self._next()).__name__ != "SequenceEndEvent":
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, tuple[Node, Node]]:
        entries: dict[str, tuple[Node, Node]] = {}
        while type(event := self._next()).__name__ != "MappingEndEvent":
            key = self._node(event, depth + 1)
            if not isinstance(key.content, Value):
                advice = self._advice(event.start_mark) or "; write a word"
                self._refuse(event, f"a key is a list or a mapping{advice}")
            word = key.content.text
            if word == "<<":
                self._refuse(event, "merge keys are not part of YAML 1.2; write the entries out")
            if word in entries:
                first = entries[word][0].line
                where = f"on lines {first} and {key.line}" if first != key.line else f"twice on line {first}"
                self._refuse(event, f"the key {word!r} stands {where}; keep one of them")
            entries[word] = (key, self._node(self._next(), depth + 1))
        return entries

    def _scalar(self, event: Any, tag: object) -> Value:
        text = _joined(str(event.value))
        if not event.implicit[0] or tag is not None:  # quoted, a block, or !!str: a string
            return Value(text)
        if text in NULLS:
            return Value(None, text or None)
        if text in WORDS:
            return Value(WORDS[text], text)
        if text.lower() in NO_NUMBERS:
            self._refuse(event, f"{text} is not a finite number; write one, or quote the word")
        number = read_number(text)
        return Value(text) if number is None else Value(number, text)

    def _refuse(self, event: Any, problem: str) -> Never:
        mark = event.start_mark
        raise UsageError(f"{self.path}:{mark.line + 1}:{mark.column + 1}: {problem}")


def _place(text: str, at: int) -> str:
    """`:line:column` of a character."""
    lines = re.split(r"\r\n?|\n", text[:at])
    return f":{len(lines)}:{len(lines[-1]) + 1}"


def _joined(text: str) -> str:
    """A text whose characters beyond 16 bits were escaped as pairs, as JSON does."""
    if not any("\ud800" <= c <= "\udfff" for c in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

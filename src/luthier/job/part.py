"""A part of a document that is being read: what may stand there, and where it stands when it does not.

Every reader either returns what was meant or raises a UsageError that begins with file:line:column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

from luthier.errors import LuthierError, UsageError
from luthier.job.document import Document, Node
from luthier.job.quantities import bytes_of, seconds_of
from luthier.space import Value
from luthier.space.nearest import hint
from luthier.space.value import is_text

__all__ = ["LARGEST_WHOLE", "Part", "placed"]

T = TypeVar("T")
LARGEST_WHOLE = 2**53


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Puts the place in front of what is wrong inside."""
    try:
        yield
    except LuthierError as error:
        raise UsageError(f"{place}: {error}") from None


@dataclass(frozen=True)
class Part:
    """A node of a document, and the keys and indexes that lead to it."""

    document: Document
    node: Node
    path: tuple[str | int, ...] = ()

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return self.document.place(self.path)

    @property
    def name(self) -> str:
        """The keys that lead here, as a person calls them: `limits.timeout`, `objective[1]`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return text.removeprefix(".") or "the file"

    @property
    def shown(self) -> str:
        """What stands here, in few characters."""
        match self.node.content:
            case list():
                return "a list"
            case dict():
                return "a mapping"
            case value:
                text = value.text if len(value.text) <= 60 else f"{value.text[:57]}..."
                return repr(text) if isinstance(value.value, str) else text

    def error(self, problem: str) -> UsageError:
        """The error to raise about this part."""
        return self.document.error(problem, self.path)

    def wrong(self, wanted: str) -> UsageError:
        """The error that something else is wanted here."""
        return self.error(f"{self.name} is {self.shown}; write {wanted}")

    # ------------------------------------------------------------------ mappings and lists

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node.content, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node.content, list)

    @property
    def is_absent(self) -> bool:
        """Whether nothing stands after the colon, or null."""
        return isinstance(self.node.content, Value) and self.node.content.value is None

    def entries(self, known: Sequence[str] | None, wanted: str) -> dict[str, Part]:
        """The entries of a mapping. `known` are the keys there may be; None where any text is one.

        **Raises** UsageError at the first unknown key, with the nearest known one.
        """
        content = self.node.content
        if not isinstance(content, dict):
            raise self.wrong(wanted)
        made = {key: Part(self.document, node, (*self.path, key)) for key, (_, node) in content.items()}
        for key, part in made.items():
            if known is not None and key not in known:
                where = "" if not self.path else f" in {self.name}"
                raise part.error(
                    f"there is no key {key!r}{where}{_like(key, known)}; the keys are {', '.join(known)}"
                )
            if not is_text(key) or "\0" in key:
                raise part.error(f"the key {key!r} holds a character that no record can keep")
        return made

    def items(self, wanted: str) -> list[Part]:
        """The items of a list; a single item may stand without one."""
        content = self.node.content
        if isinstance(content, list):
            return [Part(self.document, node, (*self.path, at)) for at, node in enumerate(content)]
        if isinstance(content, dict) or self.is_absent:
            raise self.wrong(wanted)
        return [self]

    # ------------------------------------------------------------------ scalars

    def value(self, wanted: str) -> Value:
        """A word, number or flag as it was written; not nothing."""
        content = self.node.content
        if not isinstance(content, Value) or content.value is None:
            raise self.wrong(wanted)
        return content

    def text(self, wanted: str) -> str:
        """A text; numbers and flags are texts too, as they are written."""
        text = self.value(wanted).text
        if not text.strip():
            raise self.error(f"{self.name} is empty; write {wanted}, or leave it out")
        return self._keepable(text)

    def any_text(self, wanted: str) -> str:
        """A text, which may be empty."""
        return self._keepable(self.value(wanted).text)

    def _keepable(self, text: str) -> str:
        if not is_text(text) or "\0" in text:
            raise self.error(f"{self.name} holds a character that no record can keep; leave it out")
        return text

    def one_of(self, words: Sequence[str]) -> str:
        """One of these words."""
        wanted = f"one of {', '.join(words)}"
        word = self.text(wanted)
        if word not in words:
            raise self.error(f"{self.name} is {self.shown}{_like(word, words)}; write {wanted}")
        return word

    def flag(self) -> bool:
        """`true` or `false`."""
        value = self.value("true or false").value
        if not isinstance(value, bool):
            raise self.wrong("true or false")
        return value

    def whole(self, least: int, most: int = LARGEST_WHOLE) -> int:
        """A whole number."""
        wanted = (
            f"a whole number from {least}"
            if most == LARGEST_WHOLE
            else f"a whole number from {least} to {most}"
        )
        value = self.value(wanted).value
        if isinstance(value, float) and isfinite(value) and value == int(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(wanted)
        return value

    def number(self, above: float | None = None, *, least: float | None = None) -> float:
        """A finite number, above or from another."""
        wanted = "a number" if above is None else f"a number above {above:g}"
        wanted = wanted if least is None else f"a number from {least:g}"
        value = self.value(wanted).value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300:
            raise self.wrong(wanted)
        if (above is not None and value <= above) or (least is not None and value < least):
            raise self.wrong(wanted)
        return value

    def seconds(self) -> float:
        """A length of time."""
        return self._read(seconds_of, "a duration such as 90s, 5m or 2h")

    def size(self) -> int:
        """An amount of memory in bytes."""
        return self._read(bytes_of, "a size such as 512M or 4G")

    def setting(self) -> Any:
        """A word, number, flag or list of an algorithm's or a rule's settings; None for null."""
        if self.is_absent:
            return None
        if self.is_list:
            return [item.setting() for item in self.items("a list")]
        value = self.value("a word or a number").value
        return self._keepable(value) if isinstance(value, str) else value

    def _read(self, read: Callable[[str], T], wanted: str) -> T:
        text = self.text(wanted)
        try:
            return read(text)
        except ValueError as problem:
            raise self.error(f"{self.name}: {problem}") from None


def _like(word: str, known: Sequence[str]) -> str:
    """The nearest known word; hyphens are forgiven."""
    plain = word.replace("-", "_").lower()
    return f" (did you mean {plain}?)" if plain != word and plain in known else hint(word, known)

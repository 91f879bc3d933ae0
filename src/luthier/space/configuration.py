"""One value for every active parameter.

A configuration is frozen, ordered as its space declares, and holds active parameters only. Two configurations are
equal when their values are, however they were written; `key` is that identity as a string, fit for an index. It is
made a hundred thousand times, so it keeps plain values and only those texts that can't be computed from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from luthier.space.value import Value, canonical_text, identity

__all__ = ["Configuration"]


class Configuration:
    """An ordered, frozen mapping from parameter names to values.

    `configuration["rate"]` is a `Value`; iteration yields names. `texts` names only those values whose written form
    is not the canonical one.
    """

    __slots__ = ("_key", "_texts", "_values")

    _values: dict[str, Any]
    _texts: dict[str, str]
    _key: str | None

    def __init__(
        self, values: Mapping[str, Any] | None = None, texts: Mapping[str, str] | None = None
    ) -> None:
        put = object.__setattr__
        put(self, "_values", dict(values) if values else {})
        put(self, "_texts", dict(texts) if texts else {})
        put(self, "_key", None)

    @classmethod
    def of(cls, items: Iterable[tuple[str, Value]]) -> Configuration:
        """Makes a configuration of named values."""
        values: dict[str, Any] = {}
        texts: dict[str, str] = {}
        for name, value in items:
            values[name] = value.value
            if value.written is not None:
                texts[name] = value.written
        return cls(values, texts)

    def values(self) -> dict[str, Any]:
        """The plain Python values by name, in declared order; a fresh dict."""
        return dict(self._values)

    def texts(self) -> dict[str, str]:
        """Every value as it is to be written in commands and tables; a fresh dict."""
        written = self._texts
        return {
            name: written[name] if name in written else canonical_text(value)
            for name, value in self._values.items()
        }

    @property
    def key(self) -> str:
        """The identity of the configuration: equal for equal values, whatever their order and spelling."""
        if self._key is None:
            key = "{" + ",".join(f"{n!r}:{identity(self._values[n])}" for n in sorted(self._values)) + "}"
            object.__setattr__(self, "_key", key)
        assert self._key is not None
        return self._key

    def to_json(self) -> str:
        """The configuration as one line of JSON: `{"values":{…}}`, with `"texts":{…}` where some were kept."""
        import json

        whole: dict[str, Any] = {"values": self._values}
        if self._texts:
            whole["texts"] = self._texts
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Configuration:
        """Reads what `to_json` wrote."""
        import json

        whole = json.loads(text)
        return cls(whole["values"], whole.get("texts"))

    def __getitem__(self, name: str) -> Value:
        return Value(self._values[name], self._texts.get(name))

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Configuration) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a configuration can't be changed; make another one")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Configuration, (self._values, self._texts))

    def __repr__(self) -> str:
        return f"Configuration({self})"

    def __str__(self) -> str:
        return ", ".join(f"{name}={text}" for name, text in self.texts().items())

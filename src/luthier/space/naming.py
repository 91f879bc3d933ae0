"""The names under which a choice's options stand in the record.

Plain values stand for themselves. A class or function stands under its name; a dict under its `type`, `name` or `kind`,
else under the first text, class or function in it (`{"kind": "svm", …}`, `{"type": SGD, …}`), else under what is constant
in it (`units=32`) or its keys; everything else under its short repr or its type and place. A name must be the same in
every process that opens the experiment, so nothing with an address in it is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.space.value import canonical_text

__all__ = ["named_options", "naming_key"]

LONGEST = 60
CALLED = ("type", "name", "kind")
"""What people call the entry that says which option a dict is."""


def named_options(options: Sequence[Any], given: Sequence[str] | None) -> list[Any]:
    """Returns a plain value for each option, all different unless two options are the same plain value."""
    if given is not None:
        return list(given)
    names = [_name(option, index) for index, option in enumerate(options)]
    often = Counter(name for name, _ in names if isinstance(name, str))
    names = [
        (_told_apart(name, option) if isinstance(option, Mapping) and often[name] > 1 else name, is_itself)
        for (name, is_itself), option in zip(names, options, strict=True)
    ]
    often = Counter(name for name, is_itself in names if isinstance(name, str))
    return [
        f"{name}#{index}" if isinstance(name, str) and often[name] > 1 and not is_itself else name
        for index, (name, is_itself) in enumerate(names)
    ]


def _name(option: Any, index: int) -> tuple[Any, bool]:
    """A name, and whether it is the option itself."""
    if option is None or isinstance(option, (bool, int, float, str)):
        return option, True
    item = getattr(option, "item", None)
    if callable(item) and getattr(option, "shape", None) == ():
        return item(), True  # a NumPy scalar
    if isinstance(option, (list, tuple)) and _is_plain(option):
        return _listed(option), True
    if isinstance(option, Mapping):
        return _of_dict(option) or f"#{index}", False
    called = _called(option)
    if called:
        return called, False
    if isinstance(option, (set, frozenset)):  # whose order, and so whose repr, is another in each process
        return f"{type(option).__name__}#{index}", False
    text = repr(option).encode(errors="backslashreplace").decode()  # half a character can't be kept
    if len(text) <= LONGEST and " at 0x" not in text and "\n" not in text:
        return text, False
    return f"{type(option).__name__}#{index}", False


def naming_key(option: Mapping[Any, Any]) -> Any:
    """The key of the entry that names a dict, None where no entry does."""
    texts = [key for key, value in option.items() if isinstance(value, str) and value]
    objects = [key for key, value in option.items() if _called(value)]
    said = [key for key in option if key in CALLED and (key in texts or key in objects)]
    return next(iter((*said, *texts, *objects)), None)


def _of_dict(option: Mapping[Any, Any]) -> str:
    """The name of a dict: of the entry that names it, else what is constant in it, else its keys."""
    key = naming_key(option)
    if key is not None:
        return option[key] if isinstance(option[key], str) else _called(option[key])
    return _constants(option) or ", ".join(map(str, option))[:LONGEST]


def _told_apart(name: Any, option: Mapping[Any, Any]) -> Any:
    """The name of a dict with what else is constant in it, for where another option has the same name."""
    more = _constants({key: value for key, value in option.items() if key != naming_key(option)})
    return f"{name} {more}" if more and more != name else name


def _constants(option: Mapping[Any, Any]) -> str:
    """`units=32, bias=true`, as far as it is short."""
    text = ""
    for key, value in option.items():
        if not (value is None or isinstance(value, (bool, int, float, str)) or _called(value)):
            continue
        longer = f"{text}{', ' if text else ''}{key}={_called(value) or canonical_text(value)}"
        if len(longer) > LONGEST:
            break
        text = longer
    return text


def _called(option: Any) -> str:
    """The name of a class or function; empty for what has none of its own."""
    called = getattr(option, "__name__", None) or getattr(getattr(option, "func", None), "__name__", None)
    return called if isinstance(called, str) and called != "<lambda>" else ""


def _listed(option: Any) -> Any:
    """Tuples as the lists they come back as from a record, however deep."""
    return [_listed(one) for one in option] if isinstance(option, (list, tuple)) else option


def _is_plain(option: Sequence[Any]) -> bool:
    return all(
        one is None
        or isinstance(one, (bool, int, float, str))
        or (isinstance(one, (list, tuple)) and _is_plain(one))
        for one in option
    )

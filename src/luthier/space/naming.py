"""The names under which a choice's options stand in the record.

Plain values stand for themselves. A class or function stands under its name, a dict under the first text in it
(`{"kind": "svm", …}`), everything else under its short repr or its type and place. A name must be the same in every
process that opens the experiment, so nothing with an address in it is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["named_options"]

LONGEST = 60


def named_options(options: Sequence[Any], given: Sequence[str] | None) -> list[Any]:
    """Returns a plain value for each option, all different unless two options are the same plain value."""
    if given is not None:
        return list(given)
    names = [_name(option, index) for index, option in enumerate(options)]
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
        said = next((value for value in option.values() if isinstance(value, str)), None)
        return (said, False) if said else (f"#{index}", False)
    called = getattr(option, "__name__", None) or getattr(getattr(option, "func", None), "__name__", None)
    if isinstance(called, str) and called != "<lambda>":
        return called, False
    if isinstance(option, (set, frozenset)):  # whose order, and so whose repr, is another in each process
        return f"{type(option).__name__}#{index}", False
    text = repr(option).encode(errors="backslashreplace").decode()  # half a character can't be kept
    if len(text) <= LONGEST and " at 0x" not in text and "\n" not in text:
        return text, False
    return f"{type(option).__name__}#{index}", False


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

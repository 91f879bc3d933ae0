"""How people write amounts, `90s`, `2h`, `512M`, `4Gi`, and back. Each has one meaning, in files and on the command line."""

from __future__ import annotations

__all__ = ["bytes_of", "bytes_text", "seconds_of", "seconds_text"]

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BYTES |= {f"{unit}b": size for unit, size in _BYTES.items() if unit}
_BYTES |= {
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "b": 1,
}
LARGEST = 1e15
"""Seconds or bytes; more is a mistake."""


def seconds_of(text: str) -> float:
    """Reads `90`, `90s`, `5m`, `2h`, `1d`. **Raises** ValueError, whose text says what is wrong."""
    try:
        number, unit = _split(text)
        seconds = number * _SECONDS[unit]
    except (KeyError, ValueError):
        raise ValueError(f"{text!r} is not a duration; write 90s, 5m, 2h or 1d") from None
    return _kept(text, seconds)


def bytes_of(text: str) -> int:
    """Reads `512M`, `4G`, `4GiB`, or bytes. **Raises** ValueError, whose text says what is wrong."""
    try:
        number, unit = _split(text)
        size = number * _BYTES[unit]
    except (KeyError, ValueError):
        raise ValueError(f"{text!r} is not a size; write 512M, 4G or 4Gi") from None
    return int(_kept(text, size))


def _kept(text: str, amount: float) -> float:
    if not 0 < amount <= LARGEST:
        raise ValueError(f"{text!r} must be {'more than nothing' if amount <= 0 else 'less'}")
    return amount


def _split(text: str) -> tuple[float, str]:
    unit = text.strip().lstrip("0123456789.")
    return float(text.strip().removesuffix(unit) if unit else text), unit.strip().lower()


def seconds_text(seconds: float) -> str:
    """`2h`, `5m`, `90s`, `0.5s`: what `seconds_of` reads back."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{_decimal(seconds)}s"


def bytes_text(size: int) -> str:
    """`4G`, `512Mi`, `1234`: what `bytes_of` reads back."""
    for unit in ("t", "g", "m", "k"):
        for written in (unit, f"{unit}i"):
            if size % _BYTES[written] == 0:
                return f"{size // _BYTES[written]}{written.capitalize() if unit != 'k' else written}"
    return str(size)


def _decimal(number: float) -> str:
    from decimal import Decimal

    text = format(Decimal(repr(float(number))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

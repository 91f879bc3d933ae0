"""How people write amounts: `90s`, `5m`, `2h`, `512M`, `4G`. Each has one meaning everywhere on the command line."""

from __future__ import annotations

import click

__all__ = ["DURATION", "SIZE", "Duration", "Size"]

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


def _split(text: str) -> tuple[float, str]:
    unit = text.strip().lstrip("0123456789.")
    return float(text.strip().removesuffix(unit)), unit.strip().lower()


class Duration(click.ParamType[float]):
    """A length of time, as seconds. A bare number is seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Reads `90`, `90s`, `5m`, `2h`, `1d`."""
        if isinstance(value, float):
            return value
        try:
            number, unit = _split(str(value))
            seconds = number * _SECONDS[unit]
        except (KeyError, ValueError):
            self.fail(f"{value!r} is not a duration; write 90s, 5m, 2h or 1d", param, ctx)
        if seconds <= 0:
            self.fail(f"{value!r} must be longer than nothing", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """An amount of memory, as bytes. `M` is 10**6, `Mi` is 2**20."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads `512M`, `4G`, `4GiB`, or bytes."""
        if isinstance(value, int):
            return value
        try:
            number, unit = _split(str(value))
            size = int(number * _BYTES[unit])
        except (KeyError, ValueError):
            self.fail(f"{value!r} is not a size; write 512M, 4G or 4Gi", param, ctx)
        if size <= 0:
            self.fail(f"{value!r} must be more than nothing", param, ctx)
        return size


DURATION = Duration()
SIZE = Size()

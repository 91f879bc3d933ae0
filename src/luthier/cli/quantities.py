"""Amounts as types of the command line's options: `90s`, `5m`, `2h`, `512M`, `4G`, as `job/quantities.py` reads them."""

from __future__ import annotations

import click

from luthier.job.quantities import bytes_of, seconds_of

__all__ = ["DURATION", "SIZE", "Duration", "Size"]


class Duration(click.ParamType[float]):
    """A length of time, as seconds. A bare number is seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Reads `90`, `90s`, `5m`, `2h`, `1d`."""
        if isinstance(value, float):
            return value
        try:
            return seconds_of(str(value))
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


class Size(click.ParamType[int]):
    """An amount of memory, as bytes. `M` is 10**6, `Mi` is 2**20."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads `512M`, `4G`, `4GiB`, or bytes."""
        if isinstance(value, int):
            return value
        try:
            return bytes_of(str(value))
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


DURATION = Duration()
SIZE = Size()

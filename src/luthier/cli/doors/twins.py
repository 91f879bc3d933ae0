"""What a door says of an unfinished experiment that is the same as the one it has just begun."""

from __future__ import annotations

from luthier.cli.options import Place

__all__ = ["twin_notice"]


def twin_notice(place: Place, twin: int | None) -> str | None:
    """What to say of an unfinished twin; None where there is none."""
    if twin is None:
        return None
    return (
        f"experiment {twin} is the same and not finished; this is a new one. "
        f"To go on with that: {place.hint(f'resume {twin}')}"
    )

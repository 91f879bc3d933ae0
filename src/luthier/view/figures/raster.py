"""From SVG to PNG, by the Rust library resvg: small, without a browser, and the same wherever the fonts are the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from luthier.errors import UsageError

__all__ = ["png"]

_FAMILIES = (
    "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "DejaVu Sans", "Liberation Sans", "Noto Sans", "Ubuntu",
    "Cantarell", "Open Sans", "Helvetica", "Verdana", "FreeSans",
)  # fmt: skip
_PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24">'
    '<text x="2" y="20" font-family="sans-serif" font-size="20">M</text></svg>'
)
_EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"/>'


def png(svg: str, scale: float = 2.0) -> bytes:
    """The drawing as PNG, `scale` pixels for each of its own.

    **Raises** UsageError where resvg-py is not installed, and where the machine has none of the usual fonts, for then
    every label would be missing without a word.
    """
    try:
        import resvg_py
    except ImportError:
        raise UsageError(
            "a PNG needs resvg-py, which is not installed; pip install 'luthier[plot]', or save an .svg or .html"
        ) from None
    family = _family(resvg_py.svg_to_bytes)
    if family is None:
        raise UsageError(
            "a PNG needs a font, and this machine has none of the usual ones; install one (fonts-dejavu-core on "
            "Debian), or save an .svg or .html"
        )
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, sans_serif_family=family))


@lru_cache(maxsize=1)
def _family(draw: Any) -> str | None:
    """The first family that this machine can draw a letter with. resvg leaves out text it has no font for."""
    blank = draw(svg_string=_EMPTY, skip_system_fonts=True)
    drawn = (name for name in _FAMILIES if draw(svg_string=_PROBE, sans_serif_family=name) != blank)
    return next(drawn, None)

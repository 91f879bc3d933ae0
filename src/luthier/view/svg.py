"""Writes SVG: elements with attributes as text, escaped, numbers short, the same every time.

It knows shapes and colours' names; what is drawn is `pictures.py`'s. Colours are CSS variables with a light and a
dark set, so that a picture suits the page or the viewer it is seen in.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from luthier.view.scales import printable

__all__ = ["STYLE", "coordinate", "document", "element", "path", "text", "title"]

STYLE = """\
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2430;--soft:#667182;--grid:#e6eaf0;--mean:#2f5fd0;--band:#2f5fd026;\
--dot:#1c2430;--next:#d9480f;--promise:#12866a;--promised:#12866a2b}
@media(prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e4e9f1;--soft:#94a0b3;--grid:#29313d;--mean:#83a9ff;\
--band:#83a9ff33;--dot:#e4e9f1;--next:#ff9d57;--promise:#4cd3a5;--promised:#4cd3a533}}
svg{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
.paper{fill:var(--paper)}.head{fill:var(--ink);font-size:13px;font-weight:600}.note,.tick{fill:var(--soft)}
.named{fill:var(--next)}.grid{stroke:var(--grid);fill:none}.rim{stroke:var(--soft);fill:none}
.mean{stroke:var(--mean);stroke-width:2;fill:none;stroke-linejoin:round}.band{fill:var(--band)}
.spread{stroke:var(--mean);stroke-width:1.5;opacity:.55}.at{fill:var(--mean)}
.dot{fill:var(--dot);stroke:var(--paper);stroke-width:1}.failed{stroke:var(--soft);stroke-width:1.5;fill:none}
.expected{stroke:var(--soft);stroke-width:1.5;fill:var(--paper)}
.guide{stroke:var(--next);stroke-dasharray:3 3;opacity:.8}.next{fill:var(--next);stroke:var(--paper);stroke-width:1.5}
.promise{stroke:var(--promise);stroke-width:1.5;fill:none}.promised{fill:var(--promised)}.outside{fill:var(--next)}"""
"""The looks of all pictures. A page has it once, a picture of its own carries it along."""


def coordinate(value: float) -> str:
    """A place in the drawing with two digits, without needless zeros."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def element(name: str, *inside: str, **attributes: str | float | None) -> str:
    """`<name attribute="…">inside</name>`; what is inside is SVG already. An underscore in an attribute's name stands for
    a hyphen, a last one for none (`class_`); attributes that are None are left out."""
    words = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{words}>{''.join(inside)}</{name}>" if inside else f"<{name}{words}/>"


def _attribute(value: str | float | None) -> str:
    return _escaped(value) if isinstance(value, str) else coordinate(value or 0.0)


def _escaped(words: str) -> str:
    return escape(printable(words))


def text(x: float, y: float, words: str, kind: str, anchor: str | None = None) -> str:
    """Words at a place; `anchor` is middle or end where they don't begin there."""
    return element("text", _escaped(words), x=x, y=y, class_=kind, text_anchor=anchor)


def title(words: str) -> str:
    """What a viewer says of the element it stands in, and a reader for the blind speaks."""
    return element("title", _escaped(words))


def path(points: Iterable[tuple[float, float]], kind: str, *, closed: bool = False) -> str:
    """A line through points, or the area within them."""
    steps = "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)
    return element("path", d=f"M{steps}{'Z' if closed else ''}", class_=kind)


def document(width: float, height: float, *inside: str, alone: bool = False) -> str:
    """A drawing of this size. `alone` makes it a file of its own, with its style and its paper."""
    looks = [element("style", STYLE), element("rect", width=width, height=height, class_="paper")]
    return element(
        "svg",
        *(looks if alone else []),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=width if alone else None,
        height=height if alone else None,
        role="img",
    )

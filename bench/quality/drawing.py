"""Draws two kinds of picture as SVG: panels of curves over the budget, and intervals side by side.

Arrays and names in, text out. The colours are told apart by the colour-blind too, and every line has its name beside
it in the key.

**Source** the colours: Okabe and Ito (2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

__all__ = ["colours_of", "curves", "intervals"]

COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#7a5195", "#000000")
INK, GRID = "#333333", "#dddddd"
WIDTH, HEIGHT, MARGIN = 220, 150, 34


def colours_of(peers: Sequence[str]) -> dict[str, str]:
    """A colour for each peer, the first the strongest."""
    return {peer: COLOURS[min(i, len(COLOURS) - 1)] for i, peer in enumerate(peers)}


def page(width: float, height: float, body: Sequence[str]) -> str:
    """A whole picture on white, whatever the page is."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}">\n'
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, anchor: str = "start", **more: str) -> str:
    """Words at a place."""
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    """A straight line."""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def key(peers: Mapping[str, str], width: float, y: float) -> list[str]:
    """The names in their colours, in as many rows as they need."""
    found, x = [], 10.0
    for peer, colour in peers.items():
        needed = 30 + 6.5 * len(peer)
        if x + needed > width:
            x, y = 10.0, y + 16
        found += [line(x, y - 4, x + 16, y - 4, colour, 3), text(x + 20, y, peer)]
        x += needed + 8
    return found


def curves(
    panels: Mapping[str, Mapping[str, np.ndarray]], colours: Mapping[str, str], columns: int = 3
) -> str:
    """Panels by title; in each a curve for each peer over the share of the budget.

    **Shapes** every curve (any length,), in [0, 1], drawn on a logarithmic scale from 0.01 to 1.
    """
    body: list[str] = []
    for place, (title, lines) in enumerate(panels.items()):
        left = MARGIN + (place % columns) * (WIDTH + MARGIN)
        top = 24 + (place // columns) * (HEIGHT + 48)
        body.append(text(left, top - 6, title, font_weight="bold"))
        for level in (1.0, 0.3, 0.1, 0.03, 0.01):
            y = top + height_of(level)
            body += [line(left, y, left + WIDTH, y, GRID), text(left - 4, y + 4, f"{level:g}", "end")]
        for share in (0.25, 0.5, 1.0):
            x = left + share * WIDTH
            body += [
                line(x, top, x, top + HEIGHT, GRID),
                text(x, top + HEIGHT + 14, f"{share:.0%}", "middle"),
            ]
        for peer in reversed(list(lines)):
            curve = lines[peer]
            xs = left + (np.arange(len(curve)) + 1) / len(curve) * WIDTH
            points = "L".join(
                f"{x:.1f} {top + height_of(y):.1f}" for x, y in zip(xs, curve.tolist(), strict=True)
            )
            width = 2.4 if peer.startswith("luthier") else 1.4
            body.append(f'<path d="M{points}" fill="none" stroke="{colours[peer]}" stroke-width="{width}"/>')
    rows = -(-len(panels) // columns)
    width, bottom = MARGIN + columns * (WIDTH + MARGIN), 24 + rows * (HEIGHT + 48)
    return page(width, bottom + 40, [*body, *key(colours, width, bottom + 6)])


def height_of(level: float) -> float:
    """How far below the top of a panel a regret stands."""
    return float(HEIGHT * np.log10(1.0 / max(level, 0.01)) / 2.0)


def intervals(
    rows: Mapping[str, Mapping[str, tuple[float, float, float]]], colours: Mapping[str, str]
) -> str:
    """Rows by title; in each a mean with its interval for every peer, on one common scale."""
    highest = max((high for row in rows.values() for _, _, high in row.values()), default=1.0)
    width, label, step = 720.0, 120.0, 13.0

    def across(value: float) -> float:
        return label + (value - 1.0) / max(highest - 1.0, 1e-9) * (width - label - 20)

    body: list[str] = []
    y = 20.0
    for title, row in rows.items():
        body.append(text(10, y + 4, title, font_weight="bold"))
        for peer, (mean, low, high) in row.items():
            body.append(line(across(low), y, across(high), y, colours[peer], 2))
            body.append(f'<circle cx="{across(mean):.1f}" cy="{y:.1f}" r="4" fill="{colours[peer]}"/>')
            y += step
        y += 8
        body.append(line(10, y - 10, width - 10, y - 10, GRID))
    ticks: list[str] = []
    for tick in range(1, int(highest) + 1):
        ticks += [
            line(across(tick), 8, across(tick), y - 10, GRID),
            text(across(tick), y + 4, str(tick), "middle"),
        ]
    return page(width, y + 60, [*ticks, *body, *key(colours, width, y + 26)])

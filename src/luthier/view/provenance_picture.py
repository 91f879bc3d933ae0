"""A picture of where something came from: boxes of what went in, one of what was done, boxes of what came out.

Drawn once as boxes, arrows and words, and written as SVG, as PNG, or as a PDF of one page, whose fonts every viewer has.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.errors import UsageError
from luthier.view.figures.looks import PALETTE, Theme, style
from luthier.view.scales import label
from luthier.view.svg import coordinate, element, text, title
from luthier.view.whole import write_whole

__all__ = ["Drawing", "Node"]

_BOX, _GAP_X, _GAP_Y, _MARGIN = 236.0, 84.0, 18.0, 20.0
_HEAD, _LINE, _PAD = 24.0, 16.0, 10.0
_CHARACTERS = 36
"""About how many characters fit into a box."""


class Node(NamedTuple):
    """A box: its head, its lines, and the role that gives the stripe at its side a colour (`looks.PALETTE`)."""

    head: str
    lines: tuple[str, ...]
    role: str = "faint"

    @property
    def height(self) -> float:
        """How tall its box is."""
        return _HEAD + _LINE * len(self.lines) + _PAD


class _Placed(NamedTuple):
    node: Node
    x: float
    y: float

    @property
    def middle(self) -> float:
        return self.y + self.node.height / 2


class Drawing:
    """What went in, what was done, what came out."""

    def __init__(self, head: str, inputs: Sequence[Node], centre: Node, outputs: Sequence[Node]) -> None:
        self.head = head
        columns = [list(inputs), [centre], list(outputs)]
        tall = max(sum(node.height + _GAP_Y for node in column) - _GAP_Y for column in columns)
        self.width = 2 * _MARGIN + 3 * _BOX + 2 * _GAP_X
        self.height = 2 * _MARGIN + 34 + tall
        self._columns = [self._place(column, i, tall) for i, column in enumerate(columns)]

    def _place(self, nodes: Sequence[Node], column: int, tall: float) -> list[_Placed]:
        """Boxes below one another, in the middle of the height."""
        taken = sum(node.height + _GAP_Y for node in nodes) - _GAP_Y
        x, y = _MARGIN + column * (_BOX + _GAP_X), _MARGIN + 34 + (tall - taken) / 2
        placed = []
        for node in nodes:
            placed.append(_Placed(node, x, y))
            y += node.height + _GAP_Y
        return placed

    def _arrows(self) -> list[tuple[_Placed, _Placed]]:
        (centre,) = self._columns[1]
        return [(box, centre) for box in self._columns[0]] + [(centre, box) for box in self._columns[2]]

    # ------------------------------------------------------------------ SVG and PNG

    def svg(self, theme: Theme = "auto") -> str:
        """The picture as SVG, light or dark as it is looked at, unless a theme is given."""
        words = "; ".join(f"{box.node.head}: {', '.join(box.node.lines)}" for c in self._columns for box in c)
        parts = [
            title(f"{self.head}. {words}"),
            element("style", style(theme)),
            element("rect", width=self.width, height=self.height, class_="paper"),
            text(_MARGIN, _MARGIN + 8, label(self.head, 90), "head"),
        ]
        parts += [_arrow(before, after) for before, after in self._arrows()]
        parts += [_box(box) for column in self._columns for box in column]
        return element(
            "svg",
            *parts,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {coordinate(self.width)} {coordinate(self.height)}",
            width=self.width,
            height=self.height,
            class_="lut",
            role="img",
        )

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG. **Raises** UsageError where what makes it is not installed."""
        from luthier.view.figures.raster import png

        return png(self.svg("light"), scale)

    # ------------------------------------------------------------------ PDF

    def pdf(self) -> bytes:
        """The picture as a PDF of one page.

        **Source** ISO 32000-1: Helvetica is one of the fonts that need not be embedded; its text is Latin-1 here, so what it
        does not have becomes a question mark.
        """
        ink, soft, rim = (PALETTE["light"][name] for name in ("ink", "soft", "faint"))
        drawn = [_pdf_text(self, _MARGIN, _MARGIN + 8, self.head, ink, 13, bold=True)]
        for before, after in self._arrows():
            x, y, end = before.x + _BOX, before.middle, (after.x, after.middle)
            drawn.append(f"{_rgb(rim)} RG 1 w {x:.2f} {self.height - y:.2f} m")
            drawn.append(f"{end[0]:.2f} {self.height - end[1]:.2f} l S")
        for box in (box for column in self._columns for box in column):
            top = self.height - box.y - box.node.height
            drawn.append(f"{_rgb(rim)} RG 1 1 1 rg {box.x:.2f} {top:.2f} {_BOX} {box.node.height:.2f} re B")
            stripe = PALETTE["light"].get(box.node.role, rim)
            drawn.append(f"{_rgb(stripe)} rg {box.x:.2f} {top:.2f} 4 {box.node.height:.2f} re f")
            drawn.append(_pdf_text(self, box.x + 14, box.y + 18, box.node.head, ink, 11, bold=True))
            for i, line in enumerate(box.node.lines):
                y = box.y + _HEAD + 12 + i * _LINE
                drawn.append(_pdf_text(self, box.x + 14, y, label(line, _CHARACTERS), soft, 10))
        return _pdf_document(self.width, self.height, "\n".join(drawn).encode("latin-1", "replace"))

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Writes the picture as the file's name ends (.svg, .pdf or .png) and returns its path.

        **Holds** the file is whole, or as it was before. **Raises** UsageError for another ending, and where it can't be
        written.
        """
        target = Path(file)
        match target.suffix.lower():
            case ".svg":
                made = self.svg().encode()
            case ".pdf":
                made = self.pdf()
            case ".png":
                made = self.png()
            case _:
                raise UsageError(f"{target} ends in none of .svg, .pdf and .png; give it one of them")
        return write_whole(target, made)


def _arrow(before: _Placed, after: _Placed) -> str:
    x, y, end, level = before.x + _BOX, before.middle, after.x, after.middle
    half = (x + end) / 2
    bend = " ".join(map(coordinate, (half, y, half, level, end - 6, level)))
    line = element("path", d=f"M{coordinate(x)} {coordinate(y)}C{bend}", class_="line s-faint")
    tip = f"{coordinate(end)},{coordinate(level)} {coordinate(end - 8)},{coordinate(level - 4)} "
    return line + element(
        "polygon", points=f"{tip}{coordinate(end - 8)},{coordinate(level + 4)}", class_="f-faint"
    )


def _box(box: _Placed) -> str:
    node, x, y = box.node, box.x, box.y
    stripe = "name" if node.role == "ink" else f"f-{node.role}"
    parts = [
        title(f"{node.head}: {', '.join(node.lines)}"),
        element("rect", x=x, y=y, width=_BOX, height=node.height, rx=5.0, class_="paper s-faint"),
        element("rect", x=x, y=y, width=4.0, height=node.height, rx=2.0, class_=stripe),
        text(x + 14, y + 18, label(node.head, 30), "name"),
    ]
    for i, line in enumerate(node.lines):
        parts.append(text(x + 14, y + _HEAD + 12 + i * _LINE, label(line, _CHARACTERS), "note"))
    return element("g", *parts)


def _rgb(colour: str) -> str:
    return " ".join(f"{int(colour[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5))


def _pdf_text(
    drawing: Drawing, x: float, y: float, words: str, colour: str, size: int, *, bold: bool = False
) -> str:
    safe = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    safe = "".join(c if c.isprintable() else "?" for c in safe.replace("…", "..."))
    font = "/B" if bold else "/R"
    return f"BT {_rgb(colour)} rg {font} {size} Tf {x:.2f} {drawing.height - y:.2f} Td ({safe}) Tj ET"


def _pdf_document(width: float, height: float, content: bytes) -> bytes:
    """The five objects of a page, and where each begins."""
    font = "<</Type/Font/Subtype/Type1/BaseFont/%s/Encoding/WinAnsiEncoding>>"
    page = (
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width:.2f} {height:.2f}]/Contents 4 0 R"
        "/Resources<</Font<</R 5 0 R/B 6 0 R>>>>>>"
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page.encode(),
        b"<</Length %d>>\nstream\n%b\nendstream" % (len(content), content),
        (font % "Helvetica").encode(),
        (font % "Helvetica-Bold").encode(),
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    begin = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, begin)
    return bytes(out)

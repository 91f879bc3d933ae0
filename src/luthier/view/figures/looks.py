"""Colours of figures, light and dark, and the style of their SVG.

Blue, orange, teal and purple stay apart for every kind of colour vision, and roles differ in shape as well. The ramp
goes from worse to better with even steps of lightness, and always ends in the colour that stands out most from the
paper: the darkest on white, the lightest on black. Every rule is held within the class `lut`, so that a picture in a
page changes nothing around it.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["PALETTE", "RAMP_STEPS", "Theme", "ramp", "style", "themed"]

Theme = Literal["auto", "light", "dark"]

RAMP_STEPS = 10
# Ten steps of viridis (S. van der Walt and N. Smith, 2015, CC0), from dark to light, without its palest end.
_VIRIDIS = (
    "#440154", "#482777", "#3f4a8a", "#31678e", "#26838f", "#1f9d8a", "#3bb675", "#6cce5a", "#a0da39", "#d2e21b",
)  # fmt: skip

PALETTE: dict[str, dict[str, str]] = {
    "light": {
        "paper": "#ffffff", "ink": "#1c2430", "soft": "#5d6878", "grid": "#e6eaf0", "result": "#2f5fd0",
        "best": "#d9480f", "failed": "#a8327d", "stopped": "#0d7a60", "faint": "#9aa5b5", "total": "#a9bfee",
        **{f"r{i}": colour for i, colour in enumerate(reversed(_VIRIDIS))},
    },
    "dark": {
        "paper": "#12161d", "ink": "#e4e9f1", "soft": "#9aa6b8", "grid": "#29313d", "result": "#83a9ff",
        "best": "#ff9d57", "failed": "#f07fc6", "stopped": "#4cd3a5", "faint": "#5f6b7c", "total": "#3c5286",
        **{f"r{i}": colour for i, colour in enumerate(_VIRIDIS)},
    },
}  # fmt: skip

_RULES = """\
.lut{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;\
font-variant-numeric:tabular-nums;max-width:100%;height:auto}
.lut text{fill:var(--soft);stroke:none}.lut .head{fill:var(--ink);font-size:15px;font-weight:600}
.lut .label,.lut .name{fill:var(--ink)}.lut .words{fill:var(--ink);font-size:13px}.lut .paper{fill:var(--paper)}
.lut .halo{fill:var(--ink);stroke:var(--paper);stroke-width:3.5;paint-order:stroke;stroke-linejoin:round}
.lut .grid{stroke:var(--grid);fill:none}.lut .rim{stroke:var(--soft);fill:none}
.lut .error{stroke:var(--ink);stroke-width:1.3;fill:none}
.lut .line{fill:none;stroke-width:1.6;stroke-linejoin:round}.lut .line.best{stroke-width:2.4}
.lut .line.faint{stroke-width:1;stroke-opacity:.5}.lut .line.thin{stroke-width:1.1;stroke-opacity:.75}
.lut .dot{stroke:var(--paper);stroke-width:.7;stroke-opacity:.7}.lut .many{fill:none;stroke-width:5.2;\
stroke-linecap:round;stroke-opacity:.55}
.lut .ring{fill:var(--paper);stroke-width:1.5}.lut .cross{fill:none;stroke-width:1.6}
.lut .under{stroke:var(--paper);stroke-width:4;stroke-opacity:.75}.lut .crosses{fill:none;stroke-width:1.1;stroke-opacity:.6}
.lut .chosen{stroke:var(--paper);stroke-width:1.6}
.lut .span{stroke:var(--paper);stroke-width:.6}"""

_ROLES = ("result", "best", "failed", "stopped", "faint", "total", *(f"r{i}" for i in range(RAMP_STEPS)))


def ramp(theme: Literal["light", "dark"]) -> list[str]:
    """The colours of the ramp, from worse to better."""
    return [PALETTE[theme][f"r{i}"] for i in range(RAMP_STEPS)]


def style(theme: Theme = "auto") -> str:
    """The style of a picture. `auto` follows the page: its colour scheme, and the theme of Jupyter or VS Code."""
    roles = "".join(
        f".lut .s-{role}{{stroke:var(--{role})}}.lut .f-{role}{{fill:var(--{role})}}" for role in _ROLES
    )
    rules = f"{_RULES}\n{roles}"
    if theme != "auto":
        for name, colour in PALETTE[theme].items():
            rules = rules.replace(f"var(--{name})", colour)
        return rules
    return f"{themed('.lut')}\n{rules}"


def themed(selector: str) -> str:
    """The palette as CSS variables for what a selector names, light or dark as the page around it is."""
    light, dark = (
        ";".join(f"--{name}:{colour}" for name, colour in PALETTE[theme].items()) for theme in PALETTE
    )
    return (
        f"{selector}{{color-scheme:light dark;{light}}}\n"
        f"@media(prefers-color-scheme:dark){{{selector}{{{dark}}}}}\n"
        f'body[data-jp-theme-light="true"] {selector},body.vscode-light {selector}{{color-scheme:light;{light}}}\n'
        f'body[data-jp-theme-light="false"] {selector},body.vscode-dark {selector}{{color-scheme:dark;{dark}}}'
    )

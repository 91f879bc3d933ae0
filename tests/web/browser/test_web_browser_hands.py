"""The page under fingers, on a phone, and with no hand but the keyboard's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gallery import Gallery
from web_scene import serving

FILTER = "document.querySelector('.filter input').value"
Place = list[float]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, tab: Any) -> Iterator[str]:
    """A search in the tab: its number."""
    gallery = Gallery(tmp_path_factory.mktemp("gallery") / ".luthier")
    with serving(gallery.folder, real_page=True) as client:
        tab("open", address=client.dashboard.new_address())
        tab.until("document.querySelector('.line.live') !== null")
        yield str(gallery.experiments["whole"])


def place(tab: Any, selector: str, x: float, y: float) -> Place:
    """A place in an element, in shares of its sides, once it is in sight."""
    tab("look", script=f"document.querySelector({selector!r}).scrollIntoView({{ block: 'center' }})")
    box = tab("box", selector=selector)
    return [box["x"] + x * box["width"], box["y"] + y * box["height"]]


def slide(tab: Any, begin: Place, *by: Place) -> None:
    """As many fingers as there are ways begin at a place, or beside it, and go."""
    tab(
        "fingers",
        ways=[
            [[begin[0] + 40 * k, begin[1]], [begin[0] + 40 * k + x, begin[1] + y]]
            for k, (x, y) in enumerate(by)
        ],
    )


def test_keys_reach_everything(shown: str, tab: Any) -> None:
    """Charts zoom, axes move and flip, controls and rows are reached; where one is can be seen."""
    tab.go(f"#/{shown}", ".table .body .row")
    tab.settle()
    tab("look", script="document.querySelector('.figure canvas').focus()")
    for key in ("+", "ArrowLeft", "ArrowUp"):
        tab("press", key=key)
    tab.until("document.querySelector('.figure button[title^=\"Show all\"]') !== null")
    tab("press", key="0")
    tab.until("document.querySelector('.figure button[title^=\"Show all\"]') === null")
    first = "document.querySelector('.axis-name').innerText"
    name = tab("look", script=first)
    tab("look", script="document.querySelector('.axis-name').focus()")
    tab("press", key="ArrowRight")
    tab.until(f"{first} !== {name!r}")
    tab("press", key="Enter")
    tab.until("[...document.querySelectorAll('.axis-name')].some((one) => one.innerText.includes('↓'))")
    seen = set()
    for _ in range(60):
        tab("press", key="Tab")
        seen.add(
            tab(
                "look",
                script="document.activeElement.tagName + ' ' + (document.activeElement.ariaLabel ?? document.activeElement.innerText).slice(0, 12)",
            )
        )
        outline = tab("look", script="getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or tab("look", script="document.activeElement === document.body")
    assert len(seen) > 20, seen


def test_a_finger_selects_along_an_axis_and_scrolls_beside_it(shown: str, tab: Any) -> None:
    tab("as", scheme="light", width=390, touch=True)
    tab.go(f"#/{shown}/parameters", ".axis-strip")
    tab.settle()
    assert tab("look", script="document.documentElement.scrollWidth <= innerWidth")
    slide(tab, place(tab, ".axis-strip", 0.5, 0.2), [0, 60])
    tab.until(f"{FILTER}.startsWith('rate:')")
    before = tab("look", script="scrollY")
    slide(tab, place(tab, ".axis-strip", 0.5, 0.5), [0, 1])  # a tap forgets
    tab.until(f"{FILTER} === ''")
    box = "document.querySelector('.goes-sideways')"
    slide(tab, place(tab, ".axis-strip", 2.2, 0.5), [-80, 0])
    tab.until(f"{box}.scrollLeft > 40")
    slide(tab, place(tab, ".axis-strip", 2.2, 0.9), [0, -120])
    tab.until(f"Math.abs(scrollY - {before}) > 40")
    assert tab("look", script=FILTER) == ""


def test_a_name_is_held_for_a_log_axis_and_tapped_to_flip(shown: str, tab: Any) -> None:
    tab("as", scheme="light", width=390, touch=True)
    tab.go(f"#/{shown}/parameters", ".axis-name")
    tab.settle()
    place(tab, ".axis-name", 0.5, 0.5)
    words = "document.querySelector('.axis-name').innerText"
    is_log = tab("look", script=f"{words}.includes('log')")
    tab("hold", selector=".axis-name", until=f"{words}.includes('log') !== {str(is_log).lower()}")
    tab("hold", selector=".axis-name")
    tab.until(f"{words}.includes('↓')")


def test_fingers_select_zoom_and_scroll_on_a_chart(shown: str, tab: Any) -> None:
    tab("as", scheme="light", width=390, touch=True)
    tab.go(f"#/{shown}", ".figure canvas")
    tab.settle()
    slide(tab, place(tab, ".figure canvas", 0.3, 0.4), [110, 0])
    tab.until(f"/^trial:\\d+\\.\\.\\d+$/.test({FILTER})")  # of the axis across alone
    tab("fill", selector=".filter input", text="")
    slide(tab, place(tab, ".figure canvas", 0.4, 0.4), [-30, 0], [60, 0])
    tab.until("document.querySelector('.figure button[title^=\"Show all\"]') !== null")
    assert tab("look", script=FILTER) == ""
    before = tab("look", script="scrollY")
    slide(tab, place(tab, ".figure canvas", 0.5, 0.7), [0, -150])
    tab.until(f"Math.abs(scrollY - {before}) > 60")
    assert tab("look", script=FILTER) == ""
    assert tab("axe") == [] and tab("said") == []

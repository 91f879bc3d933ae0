"""`quoted/` has every block of commands, files and output of the four pages, word for word, so that the tests of this room
need no page. Where the pages themselves are at hand, they are compared."""

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[3] / "shared" / "seeds"
QUOTED = Path(__file__).with_name("quoted")


@pytest.mark.skipif(not PAGES.is_dir(), reason="the pages are not at hand")
@pytest.mark.parametrize(
    ("name", "number"), [("kaos", "000"), ("riseml", "001"), ("gradient", "002"), ("spell", "003")]
)
def test_the_blocks_are_those_of_the_page(name: str, number: str) -> None:
    [page] = PAGES.glob(f"{number}_*")
    blocks = re.findall(r"^```\w*\n.*?^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert (QUOTED / f"{name}.txt").read_text(encoding="utf-8") == "\n\n".join(blocks) + "\n"

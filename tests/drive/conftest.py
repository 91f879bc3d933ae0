"""The two places the drive is tested in: on paper, and in a shop with the real command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drive_paper import Paper
from drive_shop import Shop


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[Paper]:
    made = Paper(tmp_path / "store")
    yield made
    made.store.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    try:
        yield made
    finally:
        made.close()

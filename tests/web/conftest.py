"""A record, and a dashboard of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_scene import Client, Scene, serving


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A record that can be changed."""
    made = Scene(tmp_path / ".luthier")
    yield made
    made.store.close()


@pytest.fixture
def client(scene: Scene) -> Iterator[Client]:
    """A browser at a dashboard that changes nothing."""
    with serving(scene.folder) as found:
        yield found


@pytest.fixture
def driver(scene: Scene) -> Iterator[Client]:
    """A browser at a dashboard that may change things."""
    with serving(scene.folder, may_control=True) as found:
        yield found

"""Places that the store's tests share."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from keeping import KEEPERS, Keeper


@pytest.fixture
def fast() -> Iterator[Path]:
    """A folder on the fastest disk there is, for tests that make many commits and need none of them to last."""
    folder = tempfile.mkdtemp(prefix="luthier-store-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture(params=list(KEEPERS))
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Keeper:
    """An empty place for a store that many processes open, of every kind."""
    return KEEPERS[request.param](tmp_path)

"""What holds for all tests: how hard hypothesis tries, that no test sees the Luthier it may itself run under, and that a
database server which tests started is there for all of a process's and ends with the last."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a test for being slow. `make test` tries the same examples each time, so that what was
# green stays green until the code changes; `make nightly` looks for new ones.
settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", settings.get_profile("default"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# `python` is the one that runs the tests, also where a machine has only python3.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


@pytest.fixture(autouse=True)
def outside_any_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the variables of an outer trial or store out of the environment."""
    for name in list(os.environ):
        if name.startswith("LUTHIER_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def no_server_stays() -> Iterator[None]:
    """Stops the PostgreSQL server that a test may have started."""
    yield
    if (postgres := sys.modules.get("luthier.testing.postgres")) is not None:
        postgres.stop_running()

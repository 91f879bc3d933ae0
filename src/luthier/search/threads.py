"""Keeps linear algebra on one thread while a proposal is computed.

The matrices of a search are small: two threads gain nothing on them, and on cores that are busy with trials they wait
for each other, which made a Cholesky factorisation a hundred times slower.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  its library has to be there to be found

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """A context in which the linear algebra of numpy and scipy runs on one thread."""
    made: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return made

"""Where a function's workers are to be, as a Python program says it: here, or on a Ray cluster.

The words of the command line for the same are in `cli/placing.py`; what is made of them is in `drive/on_ray.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from luthier.errors import UsageError
from luthier.experiment.describing import worded

if TYPE_CHECKING:
    from luthier.drive.on_ray import OnRay

__all__ = ["placed"]


def placed(
    on: str | None,
    workers: int | None,
    ray_address: str | None,
    ray_resources: Mapping[str, float] | None,
) -> OnRay | None:
    """The wish to run on Ray; None for this machine. **Raises** UsageError naming the option that does not fit."""
    if on not in (None, "local", "ray"):
        raise UsageError(f"on={on!r} is none of 'local', 'ray'")
    worded("ray_address", ray_address)
    if on != "ray":
        if ray_address is not None or ray_resources:
            given = "ray_resources" if ray_address is None else "ray_address"
            raise UsageError(f"{given}= goes with on='ray'; add it")
        return None
    if workers == 0:
        raise UsageError(
            "workers=0 calls the function in this process; on='ray' takes workers, or leave them out"
        )
    for name, amount in (ray_resources or {}).items():
        is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool) and amount > 0
        if not (isinstance(name, str) and name and is_number):
            raise UsageError(
                f"ray_resources={{{name!r}: {amount!r}}}: give names with numbers above 0, such as {{'tpu': 1}}"
            )
    from luthier.drive.on_ray import OnRay

    return OnRay(ray_address, tuple((ray_resources or {}).items()))

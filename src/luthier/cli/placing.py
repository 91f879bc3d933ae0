"""`--on` and what belongs to it: where the trials of a search run. All commands that drive take the same options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.drive.on_ray import OnRay

__all__ = ["with_on"]

_OPTIONS: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
    click.option(
        "--on",
        "on",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        callback=lambda ctx, _parameter, value: _asked(ctx, value),
        help="Where trials run: on this machine, or on a Ray cluster (see docs/ray.md).",
    ),
    click.option(
        "--ray-address",
        metavar="ADDRESS",
        is_eager=True,
        expose_value=False,
        callback=lambda ctx, _parameter, value: _keep(ctx, "address", value),
        help="Which Ray: ray://HOST:PORT (default: RAY_ADDRESS, RAY_HEAD_SERVICE_HOST, else one started here).",
    ),
    click.option(
        "--ray-resources",
        metavar="NAME=N",
        multiple=True,
        is_eager=True,
        expose_value=False,
        callback=lambda ctx, _parameter, value: _keep(ctx, "resources", value),
        help="What else each trial takes of its node's resources. Repeat it.",
    ),
]


def with_on(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--on`, `--ray-address` and `--ray-resources`; the command gets `on`, None for this machine."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _keep(ctx: click.Context, name: str, value: Any) -> None:
    ctx.meta[f"luthier.ray.{name}"] = value


def _asked(ctx: click.Context, value: str) -> OnRay | None:
    address, resources = ctx.meta.get("luthier.ray.address"), ctx.meta.get("luthier.ray.resources", ())
    if value == "local":
        if address or resources:
            raise UsageError(
                f"{'--ray-address' if address else '--ray-resources'} goes with --on ray; add it"
            )
        return None
    from luthier.drive.on_ray import OnRay

    return OnRay(address, tuple(map(_resource, resources)))


def _resource(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        amount = float(number)
    except ValueError:
        amount = 0.0
    if not name or not 0 < amount < float("inf"):
        raise UsageError(f"--ray-resources {text}: write NAME=N, such as tpu=1, with N above 0")
    return name, amount

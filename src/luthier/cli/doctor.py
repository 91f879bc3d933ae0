"""`luthier doctor`: examines this machine and says what to mend."""

from __future__ import annotations

from dataclasses import asdict

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, emit_json, paint
from luthier.view.health import Health, examine

__all__ = ["command"]

_COLOURS = {Health.OK: "green", Health.WARN: "yellow", Health.BAD: "red"}


@click.command("doctor", cls=Example, example="luthier doctor")
@with_store
@as_json
def command(place: Place, as_json: bool) -> int:
    """Examines this machine and the place of the store: each thing is ok, warn or bad, with what to do.

    Leaves with 1 when something is bad.
    """
    findings = examine(place.folder)
    is_well = all(finding.health is not Health.BAD for finding in findings)
    if as_json:
        emit_json("doctor", {"is_well": is_well, "findings": [asdict(finding) for finding in findings]})
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            word = paint(f"{finding.health.value:<4}", _COLOURS[finding.health])
            emit(f"{word}  {finding.name:<{width}}  {finding.text}")
    return 0 if is_well else 1

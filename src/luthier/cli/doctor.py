"""`luthier doctor`: examines this machine and says what to mend."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, emit_json, paint
from luthier.errors import NotFound, SchemaError, StoreError
from luthier.store import open_store
from luthier.view.health import Finding, Health, examine

__all__ = ["command"]

_COLOURS = {Health.OK: "green", Health.WARN: "yellow", Health.BAD: "red"}


@click.command("doctor", cls=Example, example="luthier doctor")
@with_store
@as_json
def command(place: Place, as_json: bool) -> int:
    """Examines this machine and the place of the store: each thing is ok, warn or bad, with what to do.

    A store that an older Luthier wrote is brought up to date. Leaves with 1 when something is bad.
    """
    findings = [*examine(place.folder), *_renewed(place.folder)]
    is_well = all(finding.health is not Health.BAD for finding in findings)
    if as_json:
        emit_json("doctor", {"is_well": is_well, "findings": [asdict(finding) for finding in findings]})
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            word = paint(f"{finding.health.value:<4}", _COLOURS[finding.health])
            emit(f"{word}  {finding.name:<{width}}  {finding.text}")
    return 0 if is_well else 1


def _renewed(folder: Path) -> list[Finding]:
    """Brings the store up to date, which commands that only read never do."""
    try:
        try:
            open_store(folder, read_only=True).close()
            return []
        except SchemaError:
            open_store(folder).close()
    except NotFound:
        return []
    except StoreError as error:
        return [Finding("schema", Health.BAD, str(error))]
    return [Finding("schema", Health.OK, "the store of an older Luthier was brought up to date")]

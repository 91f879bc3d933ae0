"""`kaos train deploy`: sets code, data and hyperparameters of a workspace, and trains as soon as there are enough."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from luthier.cli.doors.kaos import images
from luthier.cli.doors.kaos.state import Here, here, user
from luthier.cli.doors.kaos.submitting import Submitted, described, submit
from luthier.cli.doors.kaos.tables import boxed
from luthier.cli.doors.kaos.words import CHECK, CROSS, PROGRESS, KaosWarning, notice, symbol, warn
from luthier.cli.doors.kaos.workspaces import Hyper, Inputs, changing
from luthier.cli.doors.kaos.workspaces import read as read_workspace
from luthier.cli.output import emit, paint
from luthier.description import WITHOUT, Limits
from luthier.space import Space

__all__ = ["deploy"]

_NOTHING = "--source_bundle and/or --data_bundle or --data_manifest and/or --hyperparams need to be defined for training"


def deploy(ctx: click.Context, options: dict[str, Any]) -> None:
    """Sets what is given, shows all that is set, and begins a job where code and data are.

    **Raises** KaosError and UsageError before anything is set, where a part can't be.
    """
    from luthier.cli.doors.kaos.resources import limits_of
    from luthier.cli.doors.kaos.sources import set_bundle, set_manifest

    source, data, manifest, hyper = (
        options[name] for name in ("source_bundle", "data_bundle", "data_manifest", "hyperparams")
    )
    at = here(ctx)
    workspace = at.needed()
    if not (source or data or manifest or hyper):
        raise KaosWarning(_NOTHING)
    if data and manifest:
        raise click.UsageError(
            "Illegal usage: `data_bundle` is mutually exclusive with arguments `data_manifest`.", ctx
        )
    limits = limits_of(options["parallelism"], options["cpu"], options["memory"], options["gpu"])
    asked = _hyper(Path(hyper)) if hyper else None
    parts: dict[str, Any] = {}
    with redirect_stdout(sys.stderr) if options["show_native"] else nullcontext():
        if source:
            parts["code"] = set_bundle(Path(source), "source", at.place.folder, user())
        if data:
            parts["data"] = set_bundle(Path(data), "data", at.place.folder, user())
        if manifest:
            parts["data"] = set_manifest(Path(manifest), at.place.folder, user())
        if asked is not None:
            parts["hyper"] = _set_hyper(Path(hyper), *asked)
    if options["show_native"]:
        _show_native(at, replace(read_workspace(at.place.folder, workspace), **parts), limits)
        return
    with changing(at.place.folder, workspace) as box:
        inputs = box[0] = replace(box[0], **parts)
    _begin(at, inputs, parts, limits)


def _begin(at: Here, inputs: Inputs, parts: dict[str, Any], limits: Limits) -> None:
    """Starts the build of new code, shows what is set, and begins a job where there is enough for one."""
    folder = at.place.folder
    if inputs.code and "code" in parts:
        images.request(folder, inputs.code, anew=True)
        if why := images.without_container(folder, inputs.code):
            warn(why)
    emit(f"{paint('CURRENT TRAINING INPUTS', 'bold')}\n")
    emit(_inputs_table(inputs, is_building="code" in parts))
    _tell_kept(inputs, parts)
    if not (inputs.code and inputs.data):
        _tell_missing(inputs)
        return
    image = images.awaited(folder, inputs.code, notice)
    with changing(folder, inputs.name):  # so that nobody begins the same meanwhile
        done = submit(at, inputs, _space(inputs), limits, image)
    _tell(at, done)


def _hyper(path: Path) -> tuple[Hyper, Space]:
    """Reads a file of hyperparameters, before anything is set."""
    from luthier.cli.doors.kaos.hyperparams import hash_of, space_of

    space = space_of(path)
    content = path.read_bytes()
    return Hyper(hash_of(content), content.decode("utf-8-sig"), user()), space


def _space(inputs: Inputs) -> Space:
    """The combinations of the hyperparameters that are set; a single empty one where none are."""
    from luthier.cli.doors.kaos.hyperparams import space_of
    from luthier.run.rooms import Room

    if inputs.hyper is None:
        return Space(())
    with Room() as folder:
        path = Path(folder) / "params.json"
        path.write_text(inputs.hyper.text, encoding="utf-8")
        return space_of(path)


def _set_hyper(path: Path, hyper: Hyper, space: Space) -> Hyper | None:
    """Shows the combinations; `{}` sets none."""
    emit(f" Submitting hyperparams bundle: {path}")
    if not space.names:
        emit(f" {paint(symbol(CHECK), 'bold', 'green')} Setting hyperparameters bundle: none\n")
        return None
    from luthier.cli.doors.kaos.hyperparams import rows

    combinations = rows(space)
    emit(f" {paint(symbol(CHECK), 'bold', 'green')} Setting hyperparameters bundle: /{hyper.hash}/*\n")
    emit(f"{paint('CURRENT HYPERPARAMETERS', 'bold')} {paint(f'({len(combinations)})', 'bold', 'green')}\n")
    names = sorted(space.names)
    lines = [[str(i), *(texts[name] for name in names)] for i, texts in enumerate(combinations)]
    emit(boxed(["ind", *names], lines) + "\n")
    return hyper


def _inputs_table(inputs: Inputs, *, is_building: bool) -> str:
    """The table of all three inputs."""

    def cell(text: str | None) -> str:
        return f"{symbol(CHECK)}\n{text}" if text else symbol(CROSS)

    image = (
        f"{symbol(PROGRESS)}\n<building>"
        if is_building
        else cell(images.label_of(inputs.code) if inputs.code else None)
    )
    data = cell(f"/{inputs.data.glob}" if inputs.data else None)
    hyper = cell(f"/{inputs.hyper.hash}/*" if inputs.hyper else None)
    return boxed(["Image", "Data", "Hyperparams"], [[image, data, hyper]])


def _tell_kept(inputs: Inputs, parts: dict[str, Any]) -> None:
    """Says that hyperparameters stay set, for kaos dropped them here."""
    if inputs.hyper and "hyper" not in parts:
        notice(
            f"the hyperparameters /{inputs.hyper.hash}/* stay set; to train without: submit a file that holds {{}}"
        )


def _tell(at: Here, done: Submitted) -> None:
    """Says which job it became, for `info`, `logs` and `kill`."""
    if done.record is not None and (why := done.record.description.labels.get(WITHOUT)):
        warn(why)
    if done.twin is not None:
        number = done.twin.record.id
        notice(
            f"Job {done.twin.id} is the same and was not finished; this is a new one. To go on with that: "
            f"{at.place.hint(f'resume {number} --detach')}"
        )
    for job in done.resumed:
        notice(f"Job {job.id} was interrupted, and goes on")
    known = f"{done.trained} trained before" if done.trained else ""
    known += (", " if known and done.in_hand else "") + (f"{done.in_hand} in hand" if done.in_hand else "")
    if done.record is None:
        notice(f"nothing new to run: all combinations are known ({known}); see: luthier kaos train info -i 0")
        return
    count = done.record.target or 0
    rest = f" ({known})" if known else ""
    notice(
        f"Job {done.record.description.labels['kaos-job']} trains {count} model{'s' if count != 1 else ''}{rest}; "
        "see: luthier kaos train info -i 0"
    )


def _tell_missing(inputs: Inputs) -> None:
    missing = [name for name, part in (("-s DIR", inputs.code), ("-d DIR", inputs.data)) if part is None]
    warn(f"nothing trains yet: set the rest with luthier kaos train deploy {' '.join(missing)}")


def _show_native(at: Here, inputs: Inputs, limits: Limits) -> None:
    """Prints the job as Luthier's own file, and runs nothing."""
    if not (inputs.code and inputs.data):
        _tell_missing(inputs)
        return
    from luthier.cli import native

    image = images.awaited(at.place.folder, inputs.code, notice)
    native.show(described(at, inputs, _space(inputs), limits, image)._replace(labels={}))

"""What kaos hands over as files: `train get`, `train logs`, `train build-logs`."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import click

from luthier.cli.doors.kaos.images import build_of
from luthier.cli.doors.kaos.jobs import Job, Model, pick
from luthier.cli.doors.kaos.listing import all_jobs, opened
from luthier.cli.doors.kaos.state import Here, here
from luthier.cli.doors.kaos.words import KaosError, info, notice
from luthier.cli.doors.kaos.workspaces import Input
from luthier.cli.doors.kaos.workspaces import read as read_workspace
from luthier.cli.output import date, emit, many
from luthier.run.folders import Folders
from luthier.store import Store

__all__ = ["build_logs", "get", "logs"]


def get(
    ctx: click.Context,
    job_id: str | None,
    ind: int | None,
    out_dir: str,
    include_code: bool,
    include_data: bool,
    include_model: bool,
    model_id: str | None,
) -> None:
    """Copies a job's code, data and models to OUT/<workspace>/<job_id>."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    if not (include_code or include_data or include_model):
        include_code = include_model = True
    with opened(at.place) as store:
        job = pick(all_jobs(at.place, store, workspace), job_id, ind)
        models = job.models(store, at.place.folder) if include_model or model_id else []
    if model_id is not None:
        models = [_one(models, model_id)]
    target = Path(out_dir) / workspace.name / job.id
    info(f"Extracting train bundle: {target}")
    try:
        for wanted, kind in ((include_code, "code"), (include_data, "data")):
            if wanted:
                _copy_bundle(at, job, kind, target)
        for model in models:
            _copy_model(model, target / "models" / model.short)
    except (OSError, shutil.Error) as error:
        raise KaosError(f"{target} can't be written: {getattr(error, 'strerror', None) or error}") from None
    if include_model and not models:
        notice("no model is trained yet")


def _one(models: list[Model], model_id: str) -> Model:
    """The model that is meant, by its whole identifier or the six digits."""
    found = [model for model in models if model_id in (model.id, model.short)]
    if not found:
        raise KaosError(f"There is no model with id: {model_id}")
    return found[0]


def _copy_bundle(at: Here, job: Job, kind: str, target: Path) -> None:
    from luthier.bundles import tree_of

    tree = tree_of(at.place.folder, job.record.description.bundles[kind])
    _copy(tree, target / kind / job.labels[f"kaos-{kind}"].removeprefix("/"))


def _copy_model(model: Model, target: Path) -> None:
    """Its outputs, and the file of its hyperparameters."""
    _copy(Path(model.files.outputs), target)
    if model.texts:
        shutil.copyfile(model.files.configuration, target / model.file_name)


def _copy(source: Path, target: Path) -> None:
    """Copies a tree so that its owner may write it, over what is there. Links stay links, those to folders too."""
    for folder, folders, files in os.walk(source):
        place = target / os.path.relpath(folder, source)
        if place.is_symlink():  # of an earlier copy: nothing is written through it
            place.unlink()
        place.mkdir(parents=True, exist_ok=True)
        for name in (*files, *(name for name in folders if os.path.islink(os.path.join(folder, name)))):
            path, copy = Path(folder) / name, place / name
            copy.unlink(missing_ok=True)
            shutil.copyfile(path, copy, follow_symlinks=False)
            if not copy.is_symlink():
                copy.chmod(0o644 | (path.stat().st_mode & stat.S_IXUSR and 0o111))


def logs(ctx: click.Context, job_id: str | None, ind: int | None, out_dir: str) -> None:
    """Shows what a job printed, and saves it."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    with opened(at.place) as store:
        job = pick(all_jobs(at.place, store, workspace), job_id, ind)
        text = "".join(_lines(at, store, job))
    _show(text, Path(out_dir) / workspace.name / "logs" / f"train-{job.id}.log")


def _lines(at: Here, store: Store, job: Job) -> list[str]:
    """All trials' lines, each with the time its trial began: what programs print has no times of its own."""
    folders, lines = Folders(at.place.folder), []
    for trial in store.trials(job.record.id):
        if not trial.attempt:
            continue
        files = folders.attempt(trial.experiment, trial.number, trial.attempt)
        for path in (files.stdout, files.stderr):
            try:
                text = Path(path).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                continue
            lines += [f"[{date(trial.began)}] {trial.name} | {line}\n" for line in text.splitlines()]
    return lines


def build_logs(ctx: click.Context, job_id: str | None, ind: int | None, out_dir: str) -> None:
    """Shows the log of an image's build, and saves it."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    name, code = "", workspace.code
    if job_id is not None or ind is not None:
        with opened(at.place) as store:
            job = pick(all_jobs(at.place, store, workspace), job_id, ind)
        name, code = job.id, _code_of(job)
    build = build_of(at.place.folder, code) if code else None
    if code is None or build is None:
        raise KaosError("There is no image yet - first run kaos train deploy -s DIR")
    path = Path(out_dir) / workspace.name / "logs" / f"build-train-{name or code.digest[:32]}.log"
    _show(build.log(), path)
    if build.state != "JOB_SUCCESS":
        notice(f"{build.label}: {build.state}" + (f", {build.reason}" if build.reason else ""))


def _code_of(job: Job) -> Input:
    name, _, _ = job.labels["kaos-code"].removeprefix("/").rpartition(":")
    return Input(name, job.record.description.bundles["code"], job.labels["kaos-code-author"])


def _show(text: str, path: Path) -> None:
    """Shows a text, a page at a time where somebody reads it, and saves it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KaosError(f"{path} can't be written: {error.strerror}") from None
    if sys.stdout.isatty():
        click.echo_via_pager(text)
    else:
        emit(text.removesuffix("\n"))
    notice(f"{many(text.count(chr(10)), 'line')}, saved in {path}")

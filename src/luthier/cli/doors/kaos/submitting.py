"""From a workspace's inputs to a training job: what is to run, what need not be run again, and its beginning."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from luthier.cli.doors.kaos import images
from luthier.cli.doors.kaos import start as starting
from luthier.cli.doors.kaos.jobs import HYPER, Job, jobs_of, key_of
from luthier.cli.doors.kaos.sources import model_folder, program_of
from luthier.cli.doors.kaos.state import Here
from luthier.cli.doors.kaos.workspaces import Input, Inputs
from luthier.description import DOOR, SHOWN_AS, WITHOUT, Algorithm, Command, Description, Environment, Limits
from luthier.space import Configuration, Space
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, TrialState

__all__ = ["Submitted", "described", "submit"]


class Submitted(NamedTuple):
    """What became of a submission: the new job's experiment, or None where nothing was left to run; how many combinations
    are trained already, and how many other jobs have in hand. `resumed` are those whose driver had been killed, `twin` is the
    newest job of the same combinations that was ended before it had all of them."""

    record: ExperimentRecord | None
    trained: int
    in_hand: int
    resumed: tuple[Job, ...] = ()
    twin: Job | None = None


class _Known(NamedTuple):
    """Combinations by their keys: the trial (`3.1`) that trained each, and the job that is going to. `ended` are jobs that a
    person ended or that gave up, the newest first."""

    trained: dict[str, str]
    in_hand: dict[str, Job]
    ended: list[Job]


def submit(at: Here, inputs: Inputs, space: Space, limits: Limits, image: Mapping[str, Any]) -> Submitted:
    """Begins a job of all combinations that were not trained with this code and data before. The caller holds the
    workspace, so that two submissions do not begin the same; `image` is what is known of it."""
    from luthier.drive.background import run_in_background
    from luthier.drive.beginning import check

    left: list[Configuration] = []
    trained: list[str] = []
    awaited: list[Job] = []
    with at.place.change(create=True) as store:
        known = _known(store, at, inputs)
        for i in range(space.finite_count()):
            configuration = space.at(i)
            key = key_of(configuration)
            if key in known.trained:
                trained.append(known.trained[key])
            elif key in known.in_hand:
                awaited.append(known.in_hand[key])
            else:
                left.append(configuration)
        record = None
        if left:
            description = described(at, inputs, space, limits, image, trained=trained, trials=len(left))
            check(description)
            record = _begin(store, description, left if trained or awaited else ())
    resumed = {job.record.id: job for job in awaited if job.is_interrupted}
    for number in [*resumed, *([record.id] if record else [])]:
        run_in_background(at.place.folder, number)
    twin = next((job for job in known.ended if job.record.description.space == space), None)
    return Submitted(record, len(trained), len(awaited), tuple(resumed.values()), twin if record else None)


def _begin(store: Store, description: Description, chosen: Sequence[Configuration]) -> ExperimentRecord:
    """Writes the experiment; with `chosen`, only these combinations of the grid will run."""
    with store.together():
        record, _ = store.open_experiment(description, fresh=True)
        if chosen:
            store.enqueue(record.id, chosen, uuid4().hex)
    return record


def _known(store: Store, at: Here, inputs: Inputs) -> _Known:
    trained: dict[str, str] = {}
    in_hand: dict[str, Job] = {}
    ended = []
    assert inputs.code and inputs.data
    bundles = {"code": inputs.code.digest, "data": inputs.data.digest}
    for job in jobs_of(at.place, store, inputs):
        if job.record.description.bundles != bundles:
            continue
        of_this = {key_of(t.configuration): t for t in store.trials(job.record.id) if t.configuration}
        for key, trial in of_this.items():
            if trial.result and trial.result.outcome is Outcome.SUCCEEDED:
                trained.setdefault(key, trial.name)
        if job.is_interrupted or not job.is_over:
            over = {key for key, trial in of_this.items() if trial.state is TrialState.FINISHED}
            in_hand.update(dict.fromkeys(_awaited(job, of_this) - over, job))
        elif not job.record.is_met:
            ended.append(job)
    return _Known(trained, in_hand, ended)


def _awaited(job: Job, begun: Iterable[str]) -> set[str]:
    """The combinations a living job has run or is going to run: those of its grid, or those it was limited to."""
    space = job.record.description.space
    if job.record.target is not None and job.record.target < space.finite_count():
        return set(begun)
    return {key_of(space.at(i)) for i in range(space.finite_count())}


def described(
    at: Here,
    inputs: Inputs,
    space: Space,
    limits: Limits,
    image: Mapping[str, Any],
    *,
    trained: Sequence[str] = (),
    trials: int | None = None,
) -> Description:
    """The job as an experiment."""
    assert inputs.code and inputs.data
    folder, job_id = at.place.folder, uuid4().hex
    labels = _labels(inputs, job_id)
    if trained:
        labels["kaos-kept"] = " ".join(trained)
    if why := images.without_container(folder, inputs.code):
        labels[WITHOUT] = why
    what = _inside if image.get("kind") == "container" else _outside
    command, environment = what(folder.absolute(), inputs, job_id, image)
    return Description(
        project=str(at.project),
        space=space,
        algorithm=Algorithm("grid"),
        command=command,
        trials=trials,
        limits=limits,
        labels=labels,
        environment=environment,
        bundles={"code": inputs.code.digest, "data": inputs.data.digest},
    )


def _labels(inputs: Inputs, job_id: str) -> dict[str, str]:
    """What kaos has to remember of a job."""
    assert inputs.code and inputs.data
    labels = {
        DOOR: "kaos",
        SHOWN_AS: f"kaos train /{inputs.code.glob}",
        "kaos-workspace": inputs.name,
        "kaos-workspace-id": inputs.id,
        "kaos-job": job_id,
        "kaos-code": f"/{inputs.code.glob}",
        "kaos-code-author": inputs.code.author,
        "kaos-data": f"/{inputs.data.glob}",
        "kaos-data-author": inputs.data.author,
        "kaos-image": images.label_of(inputs.code),
    }
    if inputs.hyper:
        labels |= {HYPER: inputs.hyper.hash, "kaos-hyper-author": inputs.hyper.author}
    return labels


def _outside(folder: Path, inputs: Inputs, job_id: str, image: Mapping[str, Any]) -> tuple[Command, None]:
    """The command that lays out what the program expects, and becomes it; it reads the job's file."""
    from luthier.bundles import tree_of

    assert inputs.code and inputs.data
    tree = tree_of(folder, inputs.code.digest)
    code = model_folder(tree / inputs.code.root)
    job = {
        "luthier": sys.executable,
        "image": images.label_of(inputs.code),
        "build": str(images.request(folder, inputs.code, anew=False)),
        "code": str(code),
        "program": program_of(code),
        "data": str(_data_folder(folder, inputs.data)),
        "hyper": inputs.hyper.hash if inputs.hyper else None,
    }
    path = folder / "kaos" / "jobs" / f"{job_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(job, indent=1), encoding="utf-8")
    # The image's own Python, where it is known by now: what the trials ran with is then told as it is.
    words = (image.get("runs", sys.executable), "-IS", starting.__file__, str(path))
    return Command(words, str(tree), from_environment=True), None


def _data_folder(folder: Path, data: Input) -> Path:
    """A folder to be `/pfs/data`: real folders, for programs that follow no links to folders, and links to the files. It is
    made once for each bundle."""
    from luthier.bundles import tree_of

    place = folder / "kaos" / "data" / f"{data.digest[:16]}-{data.name}"
    if place.is_dir():
        return place
    tree = tree_of(folder, data.digest) / data.root
    made = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(made, ignore_errors=True)
    for source, _, files in os.walk(tree):
        target = made / data.name / os.path.relpath(source, tree)
        target.mkdir(parents=True)
        for name in files:
            os.symlink(f"{source}/{name}", target / name)
    try:
        made.rename(place)
    except OSError:  # another process was faster
        shutil.rmtree(made, ignore_errors=True)
    return place


_SCRIPT = """\
ln -sfn "$LUTHIER_OUTPUT_DIR/metrics/metrics.json" "$LUTHIER_RUN_DIR/metrics.json" 2>/dev/null
[ -f "$1/$3" ] && cd "$1" || cd "$2" || exit 1
chmod +x "$3" 2>/dev/null
case "$3" in
  *.py) exec python3 "$3" "$LUTHIER_OUTPUT_DIR" ;;
  *.sh) exec sh "$3" "$LUTHIER_OUTPUT_DIR" ;;
  *) exec "./$3" "$LUTHIER_OUTPUT_DIR" ;;
esac
"""
"""Runs the program where the image has it, as kaos does; else from the bundle."""


def _inside(
    folder: Path, inputs: Inputs, job_id: str, image: Mapping[str, Any]
) -> tuple[Command, Environment]:
    """The command inside the image, with data and hyperparameters at kaos's own places."""
    from luthier.bundles import tree_of, working_copy

    assert inputs.code and inputs.data
    copy = working_copy(folder, inputs.code.digest, folder / "kaos" / "jobs" / job_id)
    code = model_folder(copy / inputs.code.root)
    data = tree_of(folder, inputs.data.digest) / inputs.data.root
    mounts = [f"{data}:/pfs/data/{inputs.data.name}:ro"]
    if inputs.hyper:
        mounts.append(f"${{LUTHIER_PARAMS_FILE}}:/pfs/hyper/{inputs.hyper.hash}/params.json:ro")
    words = ("sh", "-c", _SCRIPT, "train", image["folder"], str(code), program_of(code))
    environment = Environment(image=image["runs"], mounts=tuple(mounts), variables={"PFS": "/pfs"})
    return Command(words, str(copy), from_environment=True), environment

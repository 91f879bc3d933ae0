"""`kaos train provenance`: where a model came from, as a picture: source, image, data and hyperparameters, the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.doors.kaos.jobs import HYPER, Model
from luthier.cli.doors.kaos.listing import all_jobs, opened
from luthier.cli.doors.kaos.state import Here, here
from luthier.cli.doors.kaos.words import KaosError, info, notice
from luthier.cli.doors.kaos.workspaces import Inputs
from luthier.cli.doors.kaos.workspaces import read as read_workspace
from luthier.cli.output import date, number, one_line
from luthier.store import Store

if TYPE_CHECKING:
    from luthier.view.provenance import Node

__all__ = ["provenance"]


def provenance(ctx: click.Context, model_id: str, out_dir: str) -> None:
    """Draws a model's provenance to OUT/<workspace>/provenance/model-<id>.pdf, and as SVG beside."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    with opened(at.place) as store:
        model = _found(at, store, workspace, model_id)
        info(f"Retrieving provenance from {model.id}")
        path = Path(out_dir) / workspace.name / "provenance" / f"model-{model.id}.pdf"
        _draw(at, store, model, path)
    notice(f"drawn in {path}, and as .svg beside")


def _found(at: Here, store: Store, workspace: Inputs, model_id: str) -> Model:
    """A model of any job of the workspace. **Raises** KaosError."""
    for job in all_jobs(at.place, store, workspace):
        for model in job.models(store, at.place.folder):
            if model_id in (model.id, model.short):
                return model
    raise KaosError(f"There is no model with id: {model_id}")


def _draw(at: Here, store: Store, model: Model, path: Path) -> None:
    from luthier.view.provenance import Drawing, Node
    from luthier.view.provenance import provenance as lineage_of

    labels, trial = model.labels, model.trial
    lineage = lineage_of(store, at.place.folder, trial.experiment, trial.number)
    bundles, known = store.experiment(trial.experiment).description.bundles, lineage.ran_with
    image = [labels["kaos-image"]]
    if inside := lineage.environment.get("image"):
        image.append(inside)
    elif known.python:
        image.append(
            f"Python {known.python.get('version')}, {len(known.python.get('packages') or {})} packages"
        )
    boxes = [
        _input("Source", labels["kaos-code"], labels["kaos-code-author"], bundles["code"]),
        Node("Image", tuple(image), "stopped"),
        _input("Data", labels["kaos-data"], labels["kaos-data-author"], bundles["data"]),
    ]
    if HYPER in labels:
        chosen = (one_line(f"{name} = {text}") for name, text in model.texts.items())
        boxes.append(
            Node("Hyperparams", (f"/{labels[HYPER]}", labels["kaos-hyper-author"], *chosen), "result")
        )
    job = (labels["kaos-job"], f"trial {trial.name}, {date(trial.began)}")
    scores = tuple(f"{name} {number(value)}" for name, value in lineage.metrics.items())
    drawing = Drawing(
        f"Model {model.id}", boxes, Node("Training", job, "ink"), [Node("Model", (model.id, *scores), "r6")]
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        drawing.save(path)
        drawing.save(path.with_suffix(".svg"))
    except OSError as error:
        raise KaosError(f"{path} can't be written: {error.strerror}") from None


def _input(head: str, label: str, author: str, digest: str) -> Node:
    from luthier.view.provenance import Node

    return Node(head, (label, author, f"{digest[:12]}…"), "best")

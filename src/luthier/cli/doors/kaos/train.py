"""`kaos train`: deploy, list, info, get, logs, build-logs, kill, provenance. What each does is in a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from luthier.cli.doors.kaos.words import KaosGroup, command

__all__ = ["train"]

F = Callable[..., Any]
_FOLDER = click.Path(exists=True, file_okay=False)
_FILE = click.Path(exists=True, dir_okay=False)


@click.group("train", cls=KaosGroup)
def train() -> None:
    """Train ML models with ready-made and split features."""


def which(function: F) -> F:
    """Adds the two ways to name a job."""
    function = click.option("-i", "--ind", type=int, help="Training job index; 0 is the newest.")(function)
    return click.option("-j", "--job_id", metavar="ID", help="Reference for the training job.")(function)


def into(function: F) -> F:
    """Adds where files are written."""
    return click.option(
        "-o",
        "--out_dir",
        type=click.Path(file_okay=False),
        default=".",
        help="Output directory.  [default: .]",
    )(function)


_DEPLOY = """\
luthier kaos train deploy -s templates/mnist/model-train
luthier kaos train deploy -d templates/mnist/data -h templates/mnist/hyperopt/params.json -p 2
"""


@command(train, "deploy", _DEPLOY)
@click.option(
    "-s", "--source_bundle", type=_FOLDER, help="Directory with the source bundle (code and environment)."
)
@click.option("-d", "--data_bundle", type=_FOLDER, help="Directory with the data bundle (split features).")
@click.option("-m", "--data_manifest", type=_FILE, help="Data manifest: lines of {url, path}.")
@click.option(
    "-h", "--hyperparams", type=_FILE, help="JSON file with hyperparameters: all combinations are trained."
)
@click.option("-p", "--parallelism", type=click.IntRange(1), help="Concurrent training jobs.  [default: 1]")
@click.option("--cpu", type=float, help="Requested cpu, in cores.")
@click.option("--memory", help="Requested memory, with k M G T P or Ki Mi Gi Ti Pi.")
@click.option("--gpu", type=int, default=0, help="Requested number of GPUs.")
@click.option("--show-native", is_flag=True, help="Print the job as Luthier's own file and run nothing.")
def deploy(**options: Any) -> None:
    """Deploy a training job with a source bundle and/or a data bundle (and hyperparameters).

    What is not given stays as it was set in this workspace. Combinations that were trained with the same code and data are
    not trained again.
    """
    from luthier.cli.doors.kaos.deploy import deploy as deploy_it

    deploy_it(click.get_current_context(), options)


@command(train, "list", "luthier kaos train list")
def list_jobs() -> None:
    """List all training jobs."""
    from luthier.cli.doors.kaos.listing import list_jobs as list_them

    list_them(click.get_current_context())


@command(train, "info", "luthier kaos train info -i 0 -s accuracy_validation")
@which
@click.option("-s", "--sort_by", metavar="METRIC", help="Sort by a metric, the largest first.")
@click.option(
    "-p", "--page_id", type=click.IntRange(0), default=0, metavar="N", help="Page of the models, from 0."
)
@click.option("--ascending", is_flag=True, help="The smallest first.")
def info(**options: Any) -> None:
    """Describe a training job."""
    from luthier.cli.doors.kaos.listing import info as describe

    describe(click.get_current_context(), **options)


@command(train, "get", "luthier kaos train get -i 0 -o results")
@which
@into
@click.option("-c", "--include_code", is_flag=True, help="Include the code of the training job.")
@click.option("-d", "--include_data", is_flag=True, help="Include its data.")
@click.option("-m", "--include_model", is_flag=True, help="Include its models.")
@click.option("--model_id", metavar="ID", help="Only this model.")
def get(**options: Any) -> None:
    """Download a training job (code, data, models); without -c, -d and -m its code and models."""
    from luthier.cli.doors.kaos.fetching import get as fetch

    fetch(click.get_current_context(), **options)


@command(train, "logs", "luthier kaos train logs -i 0")
@which
@into
def logs(**options: Any) -> None:
    """Show what a training job printed, and save it to <workspace>/logs."""
    from luthier.cli.doors.kaos.fetching import logs as show

    show(click.get_current_context(), **options)


@command(train, "build-logs", "luthier kaos train build-logs")
@which
@into
def build_logs(**options: Any) -> None:
    """Show the log of the image's build, of a job's or of the one that is set, and save it to <workspace>/logs."""
    from luthier.cli.doors.kaos.fetching import build_logs as show

    show(click.get_current_context(), **options)


@command(train, "kill", "luthier kaos train kill -j 679823be5409498093dc2e229084f8db")
@which
def kill(**options: Any) -> None:
    """Kill a running training job."""
    from luthier.cli.doors.kaos.killing import kill as end

    end(click.get_current_context(), **options)


@command(train, "provenance", "luthier kaos train provenance -m e23a2_9fd9d_3fbf2:776614")
@click.option("-m", "--model_id", required=True, metavar="ID", help="Trained model id.")
@into
def provenance(**options: Any) -> None:
    """Draw where a trained model came from."""
    from luthier.cli.doors.kaos.drawing import provenance as draw

    draw(click.get_current_context(), **options)

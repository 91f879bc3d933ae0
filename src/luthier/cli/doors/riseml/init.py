"""`luthier riseml init`: writes a riseml.yml to begin with, one that works."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.doors.riseml.config import FILE
from luthier.cli.output import emit
from luthier.errors import UsageError

__all__ = ["command"]

_TEXT = """\
project: {project}
train:
  # What the experiment needs: cores, megabytes of memory, GPUs.
  resources:
    cpus: 1
    mem: 1024
    gpus: 0
  # Every combination of these values is tried, {{{{name}}}} in the command is replaced by each.
  # parameters:
  #   lr:
  #     - 0.0001
  #     - 0.001
  #   epochs:
  #     range: {{min: 10, max: 30, step: 10}}
  # concurrency: 2
  # A container image to run in, where podman or docker works.
  # image:
  #   name: python:3.11
  #   install:
  #     - pip install -r requirements.txt
  run: {run}
"""


@click.command("init", cls=Example, example="luthier riseml init")
@click.option(
    "-f", "--config-file", "path", default=FILE, show_default=True, metavar="FILE", help="The file to write."
)
def command(path: str) -> None:
    """Writes a riseml.yml for the project in this folder; an existing one is left alone."""
    project = re.sub(r"[^\w-]+", "-", Path.cwd().name).strip("-") or "project"
    text = _TEXT.format(project=json.dumps(project), run=json.dumps(_guess()))
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already, and was left as it is; name another file with -f"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}") from error
    emit(f"{path} successfully created")


def _guess() -> str:
    """The command that most likely trains here."""
    there = sorted(name for name in os.listdir() if name.endswith(".py"))
    likely = [name for name in ("train.py", "run.py", "main.py", *there) if name in there]
    return f"python {likely[0] if likely else 'train.py'}"

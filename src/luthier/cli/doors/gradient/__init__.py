"""Gradient's door: `luthier gradient experiments hyperparameters run …` and what belongs to it.

`options` has all of its options, `creating` makes an experiment of them (`workspace` and `archives` fetch the project),
`supervising` looks after its tasks in the background (`surroundings` is what they find around them). `record` is what is
kept, `standing` how it stands; `hyperparameters`, `experiments` and `jobs` are the commands, by Gradient's groups.
"""

from __future__ import annotations

from luthier.cli.doors.door import Door

__all__ = ["command"]

_GROUPS = {
    "experiments": "experiments",
    "hyperparameters": "hyperparameters",  # where Gradient's first release had them
    "jobs": "jobs",
}
_EXAMPLE = """
luthier gradient experiments hyperparameters run --name NAME \\
    --tuningCommand 'make run_hyperopt' --workerCommand 'make run_hyperopt_worker' \\
    --workerCount 2 --workerContainer IMAGE --workerMachineType K80 --workspace git+https://…
"""
_REFUSED = {
    "tensorboards": "the trials are shown live by: luthier tensorboard EXPERIMENT",
    "apiKey": "there is no account, so no key is needed",
    "login": "there is no account, so no key is needed",
    "logout": "there is no account",
    "projects": "there are no projects here; --projectId is kept as a label of the experiment",
    "machines": "there are no machines to rent; the tasks run on this one",
    "clusters": "there are no clusters; the tasks run on this machine",
    "deployments": "Luthier tunes models and does not serve them",
    "models": "Luthier tunes models and does not keep them; they are where your program writes them (PS_MODEL_PATH)",
    "notebooks": "Luthier has no notebooks of its own; see docs/notebook.ipynb",
    "run": "a single job is a search of one trial; for tuning: luthier gradient experiments hyperparameters run",
}


command = Door(
    "gradient",
    package=__name__,
    files=_GROUPS,
    hidden=("hyperparameters",),
    refused=_REFUSED,
    example=_EXAMPLE,
    help="Paperspace Gradient's commands: hyperparameter tuning with hyperopt, without an account or a MongoDB. "
    "What each option does here: docs/doors/gradient.md",
)

"""`luthier spell`: Spell's own commands. What they mean here is `compat/spell`; these files know words and tables.

hyper.py        grid, random, bayesian        options.py      what they and `run` share
searches.py     list, describe, stop, …       recipe.py       --from-file and --save-command
runs.py         run, ps, logs, info, …        files.py        ls, cp
printing.py     lines and tables
"""

from __future__ import annotations

from luthier.cli.doors.door import Door

__all__ = ["command"]

_COMMANDS = {
    "hyper": "hyper:hyper",
    "run": "runs:run",
    "ps": "runs:ps",
    "info": "runs:info",
    "logs": "runs:logs",
    "stop": "runs:stop",
    "kill": "runs:kill",
    "archive": "runs:archive",
    "label": "runs:label",
    "metrics": "measured:metrics",
    "ls": "files:ls",
    "cp": "files:cp",
}
_EXAMPLE = """
luthier spell hyper grid --param rate=0.001,0.01,0.1,1 -- python train.py --learning_rate :rate:
luthier spell hyper describe 59
luthier spell logs -f 362
"""
_REFUSED = {
    "upload": "files are on this machine already; name them by their paths, also with --mount",
    "project": "searches are put into a project as they are begun: luthier spell hyper … --project NAME",
    "login": "there is no account and no cluster behind this door; nothing is needed",
    "logout": "there is no account and no cluster behind this door",
    "whoami": "there is no account behind this door",
    "workspaces": "there are no remote workspaces; work where your files are",
    "jupyter": "there are no remote notebooks; start yours where your files are",
    "server": "models are not served; luthier spell cp takes them out of a run",
    "model": "there is no model registry; luthier spell cp takes a model out of a run",
    "workflow": "workflows are not built; a program can begin searches with luthier.compat.spell",
    "cluster": "there is no cluster; luthier worker adds another process, luthier doctor tells what is here",
    "machine-types": "there are no machine types; a worker names its own with: luthier worker --tag NAME",
}


command = Door(
    "spell",
    package=__name__,
    files=_COMMANDS,
    refused=_REFUSED,
    example=_EXAMPLE,
    help="Spell's commands, as its pages show them. Searches are kept where all others are, so that luthier show, best, "
    "export and plot take them too. docs/doors/spell.md has every option.",
)

"""RiseML's door: `luthier riseml train` and what belongs to it, with the `riseml.yml` as it stands.

`config` reads the file, `describing` makes an experiment of it, `configuration` writes what each output folder holds.
`states` has RiseML's words for how things stand, `stream` its log, `board` its TensorBoard, `naming` its ids. The commands
are `train`, `status`, `logs`, `kill`, `init`, `monitor` and `files`.
"""

from __future__ import annotations

from luthier.cli.doors.door import Door

__all__ = ["command"]

_COMMANDS = {
    "init": "init",
    "train": "train",
    "status": "status",
    "logs": "logs",
    "kill": "kill",
    "monitor": "monitor",
    "ls": "files:ls",
    "cp": "files:cp",
    "board": "board",
}
_EXAMPLE = """
luthier riseml init
luthier riseml train
luthier riseml status 144
luthier riseml logs 144.2
"""
_REFUSED = {
    "rm": "outputs belong to their experiments; remove whole ones with: luthier rm ID, or free disk with: luthier gc ID",
    "user": "there are no users and no keys: whoever may read the store's folder may use it",
    "account": "there is no account and no plan",
    "system": "there is no cluster; this machine is examined by: luthier doctor",
    "deploy": "Luthier tunes models and does not serve them",
    "login": "there are no users and no keys: whoever may read the store's folder may use it",
}


command = Door(
    "riseml",
    package=__name__,
    files=_COMMANDS,
    hidden=("board",),
    refused=_REFUSED,
    example=_EXAMPLE,
    help="RiseML's commands, with a riseml.yml as it stands: the combinations of its parameters are tried side by side. "
    "What differs from RiseML, and why, is in docs/doors/riseml.md.",
)

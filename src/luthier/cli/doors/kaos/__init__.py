"""kaos's commands: `init`, `workspace`, `template`, `train`. `words.py` is how they speak, `jobs.py` what a job is.

An endpoint is a store; its workspaces are in `workspaces.py`, the folder's own state in `state.py`. A submission
goes through `deploy.py` and `submitting.py` to an experiment, whose attempts begin in `start.py`.
"""

from luthier.cli.doors.kaos.house import command

__all__ = ["command"]

"""What a program hands to `new_grid_search` and its kin beside the parameters, as the command line's options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.compat.spell.beginning import Begun, begin
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.wanted import Wanted
from luthier.space import Space, hint

__all__ = ["begun"]

_NAMES = {
    "machine_type": "machine_type",
    "pip_packages": "pip",
    "requirements_file": "pip_req",
    "apt_packages": "apt",
    "conda_file": "conda_file",
    "envvars": "variables",
    "docker_image": "docker_image",
    "commit_hash": "commit_ref",
    "commit_ref": "commit_ref",
    "github_url": "github_url",
    "github_ref": "github_ref",
    "description": "description",
    "project": "project",
    "labels": "labels",
    "tensorboard_directory": "tensorboard_dir",
    "tensorboard_dir": "tensorboard_dir",
    "timeout": "timeout",
    "stop_conditions": "stop_conditions",
    "num_runs": "num_runs",
    "parallel_runs": "parallel_runs",
    "metric": "metric",
    "metric_agg": "metric_agg",
    "minimize": "minimize",
    "seed": "seed",
}
_IGNORED = ("workspace_id", "cwd", "idempotent", "run_type", "commit_label", "provider", "deps_from_env")
_LISTS = ("pip", "apt", "labels", "stop_conditions")


def begun(kind: str, space: Space, folder: Path, command: Any, options: Mapping[str, Any]) -> Begun:
    """Begins a search or a run. What a person should know comes as a warning.

    **Raises** SpellError for an option there is none of, and for what can't run.
    """
    import warnings

    if isinstance(command, str):
        command = (command,)
    if not isinstance(command, (list, tuple)) or not all(isinstance(word, str) for word in command):
        raise SpellError("command is a text, such as 'python train.py --rate :rate:'")
    given: dict[str, Any] = {}
    for name, value in options.items():
        if name == "attached_resources":
            given["mounts"] = [f"{source}:{target}" for source, target in dict(value or {}).items()]
        elif name in _NAMES:
            if value is not None:
                given[_NAMES[name]] = _checked(name, value)
        elif name not in _IGNORED:
            raise SpellError(
                f"there is no option {name!r}{hint(name, _NAMES)}; there are {', '.join(_NAMES)}"
            )
        elif value:
            warnings.warn(f"{name}={value!r} has no effect here", stacklevel=4)
    wanted = Wanted(kind=kind, space=space, words=tuple(command), **given)

    def notice(line: str) -> None:
        warnings.warn(line, stacklevel=5)

    return begin(wanted, folder, lambda line: None, notice)


def _checked(name: str, value: Any) -> Any:
    if _NAMES[name] in _LISTS and (isinstance(value, str) or not hasattr(value, "__iter__")):
        raise SpellError(f"{name} is a list of texts, not {value!r}")
    if name == "envvars":
        return {str(key): str(text) for key, text in dict(value).items()}
    if name in ("num_runs", "parallel_runs") and (
        isinstance(value, bool) or not isinstance(value, int) or value < 1
    ):
        raise SpellError(f"{name} is a whole number from 1, not {value!r}")
    if name == "timeout" and not (isinstance(value, (int, float)) and value > 0):
        raise SpellError(f"timeout is a number of minutes above 0, not {value!r}")
    if name == "metric_agg" and value not in ("avg", "min", "max", "last"):
        raise SpellError(f"metric_agg is avg, min, max or last, not {value!r}")
    return value

"""The image of a source bundle: where it stands, and its build in the background. What a build does is in `building.py`."""

from __future__ import annotations

import fcntl
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from luthier.cli.doors.kaos.sources import model_folder
from luthier.cli.doors.kaos.workspaces import Input
from luthier.drive.background import start_apart
from luthier.view.whole import write_whole

__all__ = ["Build", "awaited", "build_of", "label_of", "request", "without_container"]


class Build(NamedTuple):
    """How a build stands: `JOB_RUNNING`, `JOB_SUCCESS`, `JOB_FAILURE`, or `JOB_STARTING` while nobody is at it yet. Times
    are seconds since 1970."""

    folder: Path
    label: str
    state: str
    reason: str = ""
    began: float | None = None
    ended: float | None = None

    def log(self) -> str:
        """What was said while it was built."""
        try:
            return (self.folder / "build.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""


def label_of(code: Input) -> str:
    """`build-train-mnist:e23a2`."""
    return f"build-train-{code.glob}"


def request(store_folder: Path, code: Input, *, anew: bool) -> Path:
    """Asks for the image of a source bundle, and starts its build in the background unless it is there; returns the
    build's folder. With `anew` one that failed is tried again. An image that was built for a container is no use where no
    engine works now, nor the other way round: then there is another build. **Holds** may be repeated."""
    from luthier.bundles import tree_of

    folder = _folder(store_folder, code)
    folder.mkdir(parents=True, exist_ok=True)
    tree = tree_of(store_folder, code.digest) / code.root
    wanted = next((place for place in _lists(tree) if place.is_file()), None)
    dockerfile, image = _dockerfile(tree), _image(folder)
    if (anew and image.get("state") == "failed") or (dockerfile and not _suits(image)):
        (folder / "image.json").unlink(missing_ok=True)
    environments = store_folder / "kaos" / "environments"
    asked = {
        "label": label_of(code),
        "store": str(store_folder.absolute()),
        "key": code.digest[:16],
        "model": str(model_folder(tree)),
        "dockerfile": str(dockerfile) if dockerfile else None,
        "requirements": str(wanted) if wanted else None,
        "environment": str(environments / _key(wanted, code.digest)) if wanted else None,
    }
    write_whole(folder / "request.json", json.dumps(asked).encode())
    if wanted:
        environments.mkdir(parents=True, exist_ok=True)
    if not _image(folder) and not _is_held(folder / "lock"):
        start_apart(["-m", "luthier.cli.doors.kaos.building", str(folder)], folder / "build.log")
    return folder


def _suits(image: Mapping[str, Any]) -> bool:
    """Whether an image of a Dockerfile can be used as things stand: in a container only where an engine works, and without
    one only where none does, or one did not help."""
    from luthier.run.containers_engine import find_engine

    if image.get("state") != "built":
        return True
    works = find_engine().engine is not None
    return works if image["kind"] == "container" else image.get("engine", works) == works


def _dockerfile(tree: Path) -> Path | None:
    return next(
        (place for place in (tree / "Dockerfile", model_folder(tree) / "Dockerfile") if place.is_file()), None
    )


def awaited(store_folder: Path, code: Input, say: Callable[[str], None]) -> dict[str, Any]:
    """The image of a source bundle, as far as it has to be known before a job begins. Where it may become a container, its
    build is waited for, or done; else nothing is known, and the first attempt sees to it."""
    from luthier.bundles import tree_of
    from luthier.run.containers_engine import find_engine

    folder = request(store_folder, code, anew=False)
    image = _image(folder)
    if (
        image
        or _dockerfile(tree_of(store_folder, code.digest) / code.root) is None
        or find_engine().engine is None
    ):
        return image
    say(f"waiting for the image {label_of(code)}; its log: {folder / 'build.log'}")
    from luthier.cli.doors.kaos.building import build

    build(folder)
    return _image(folder)


def without_container(store_folder: Path, code: Input) -> str | None:
    """Why a bundle with a Dockerfile runs without a container; None where it does not, or has none."""
    from luthier.bundles import tree_of
    from luthier.run.containers_engine import find_engine

    if _dockerfile(tree_of(store_folder, code.digest) / code.root) is None:
        return None
    engine = find_engine()
    image = _image(_folder(store_folder, code))
    if engine.engine is None:
        why = f"no container engine works here ({engine.why})"
    elif image.get("state") == "built" and image.get("kind") != "container":
        why = "what the Dockerfile begins from can't be fetched (see: luthier kaos train build-logs)"
    else:
        return None
    return (
        f"{why}, so the Dockerfile is not used: the models are trained on this machine, with requirements.txt"
    )


def build_of(store_folder: Path, code: Input) -> Build | None:
    """How the build of a source bundle stands; None where there was none."""
    folder = _folder(store_folder, code)
    if not folder.is_dir():
        return None
    image = _image(folder)
    states = {"built": "JOB_SUCCESS", "failed": "JOB_FAILURE"}
    state = states.get(image.get("state", "")) or (
        "JOB_RUNNING" if _is_held(folder / "lock") else "JOB_STARTING"
    )
    began = image.get("began")
    if began is None and (folder / "request.json").exists():
        began = (folder / "request.json").stat().st_mtime
    return Build(folder, label_of(code), state, image.get("reason", ""), began, image.get("ended"))


def _folder(store_folder: Path, code: Input) -> Path:
    return store_folder / "kaos" / "builds" / code.digest[:16]


def _lists(tree: Path) -> tuple[Path, ...]:
    return model_folder(tree) / "requirements.txt", tree / "requirements.txt"


def _key(requirements: Path, code: str) -> str:
    """What a virtual environment depends on: the list, the files of the bundle it may name, and the Python it is made of."""
    from hashlib import sha256

    what = requirements.read_bytes()
    if any(map(_names_a_file, what.decode(errors="replace").splitlines())):
        what += f"\0{code}".encode()
    return sha256(what + f"\0{sys.executable}\0{sys.version}".encode()).hexdigest()[:16]


def _names_a_file(line: str) -> bool:
    """Whether a line of `requirements.txt` means files beside it: `-r base.txt`, `-e .`, `./a.whl`, `a @ file:…`."""
    line = re.sub(r"(^|\s)#.*", "", line).strip()
    if line.startswith("-"):
        return re.match(r"-[rcef]|--(requirement|constraint|editable|find-links)\b", line) is not None
    name = line.partition(";")[0].strip()
    if "file:" in name or "://" in name:
        return "file:" in name
    return "/" in name or name.startswith(".") or name.endswith((".whl", ".zip", ".tar.gz", ".tgz"))


def _image(folder: Path) -> dict[str, Any]:
    try:
        image: dict[str, Any] = json.loads((folder / "image.json").read_text(encoding="utf-8"))
        return image
    except (OSError, ValueError):
        return {}


def _is_held(path: Path) -> bool:
    """Whether somebody builds. Only looks: a lock is never waited for."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True

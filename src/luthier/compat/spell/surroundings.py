"""What surrounds a run: variables, a container with its packages and mounts, and what of it has no effect here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.passwords import refuse_passwords, refuse_users
from luthier.compat.spell.resources import mounts_of
from luthier.compat.spell.wanted import Wanted
from luthier.description import Description, Environment

__all__ = ["check_image", "environment_of", "with_packages"]


def environment_of(
    wanted: Wanted, folder: Path, directory: Path, private: Mapping[str, str]
) -> tuple[Environment, list[str]]:
    """What surrounds the runs, and what of it a person should be told. `private` are the variables that are not stored."""
    refuse_passwords(wanted)
    check_image(wanted.docker_image)
    lines = _requirements(wanted.pip_req)
    found, notices = mounts_of(wanted.mounts, folder, directory)
    variables = {
        "SPELL_RUN": "${LUTHIER_RUN_ID}",
        "SPELL_RUN_ID": "${LUTHIER_RUN_ID}",
        **{name: text for name, text in wanted.variables.items() if name not in private},
        "PYTHONPATH": _path(wanted.variables.get("PYTHONPATH") or os.environ.get("PYTHONPATH")),
    }
    notices += _kept(wanted, private)
    if wanted.docker_image is None:
        notices += [f"notice: {mount} is here, and is not mounted without --docker-image" for mount in found]
        return Environment(variables, strict=False), notices
    install = [f"pip install {shlex.quote(package)}" for package in wanted.pip]
    if wanted.pip_req is not None:
        file = Path(os.path.relpath(wanted.pip_req, directory))
        if ".." in file.parts:  # it is not in what the container sees
            refuse_users("--pip-req", lines)
            install += [f"pip install {shlex.quote(line)}" for line in lines]
        else:
            install.append(f"pip install -r {shlex.quote(str(file))}")
    if wanted.apt:
        install.insert(0, f"apt-get update && apt-get install -y {shlex.join(wanted.apt)}")
    environment = Environment(
        variables, image=wanted.docker_image, install=tuple(install), mounts=tuple(found), strict=False
    )
    return environment, notices


def _path(inherited: str | None, first: Sequence[str] = ()) -> str:
    from luthier.compat.shims import spell_path

    return os.pathsep.join([*first, spell_path(), *([inherited] if inherited else [])])


def with_packages(wanted: Wanted, description: Description, folder: Path) -> Description:
    """The experiment, which runs in no container, with the packages it asks for. **Raises** SpellError where pip fails."""
    from luthier.compat.spell.packages import installed

    environment, command = description.environment, description.command
    assert environment is not None
    assert command is not None
    place = installed(wanted.pip, wanted.pip_req, command, folder)
    path = os.pathsep.join([str(place.absolute()), environment.variables["PYTHONPATH"]])
    return description._replace(
        environment=environment._replace(variables={**environment.variables, "PYTHONPATH": path})
    )


def check_image(image: str | None) -> None:
    """Refuses a name with a hyphen in front: it would be an option of the container engine. **Raises** SpellError."""
    if image is not None and (image.startswith("-") or not image.strip()):
        raise SpellError(f"--docker-image {image!r} is no name of an image: it begins with '-' or is empty")


def _requirements(file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpellError(f"--pip-req {file} could not be read: {error}") from None
    return [line.split(" #")[0].strip() for line in lines if line.strip() and line.strip()[0] not in "#-"]


def _kept(wanted: Wanted, private: Mapping[str, str]) -> list[str]:
    """What is kept and has no other effect here, one line each."""
    notices = []
    names = ", ".join(private)
    if private and wanted.docker_image is None:
        notices.append(
            f"notice: {names} goes to the runs and is not stored, as it looks like a secret; "
            "whoever resumes this search has to have it in the environment"
        )
    elif private:
        notices.append(
            f"notice: {names} is not stored, as it looks like a secret, and so not handed into the container"
        )
    if wanted.apt and wanted.docker_image is None:
        packages = " ".join(wanted.apt)
        notices.append(
            f"notice: --apt {packages}: installed in a container only, with --docker-image; runs use what is here"
        )
    if wanted.conda_file:
        notices.append(f"notice: --conda-file {wanted.conda_file} is kept with the search and not applied")
    if wanted.deps_from_env:
        notices.append("notice: --deps-from-env: runs use this very environment, so there is nothing to copy")
    return notices

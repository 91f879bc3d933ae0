"""Refuses what holds an address with a user or a password and would be part of the record.

A variable that looks like a secret is handed to the runs and stored nowhere, so it may hold one. What looks like a secret
is `compat/secrets.py`'s to say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from luthier.compat.secrets import has_user, without_user
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.wanted import Wanted

__all__ = ["refuse_passwords", "refuse_users"]

_ADVICE = {
    "--pip": "leave it to pip's own settings",
    "--pip-req": "leave it to pip's own settings",
    "the command": "hand it over with -e NAME=…, and let the program read it",
}


def refuse_users(option: str, texts: Sequence[str]) -> None:
    """**Raises** SpellError for the first text that has one."""
    for text in texts:
        if has_user(text):
            shown, advice = without_user(text), _ADVICE.get(option, "leave it out")
            raise SpellError(f"{option} {shown}: a user or password in an address would be stored; {advice}")


def refuse_passwords(wanted: Wanted) -> None:
    """**Raises** SpellError for an address that can't be kept out of the record."""
    refuse_users("--pip", wanted.pip)
    refuse_users("the command", wanted.words)
    for parameter in wanted.space.parameters:
        if has_user(json.dumps(parameter.to_dict())):
            raise SpellError(
                f"param '{parameter.name}': a user or password in an address would be stored; "
                "hand it over with -e NAME=…, and let the program read it"
            )
    for option, texts in (("--mount", wanted.mounts), ("--apt", wanted.apt), ("--label", wanted.labels)):
        refuse_users(option, texts)
    for option, text in (
        ("--docker-image", wanted.docker_image),
        ("--description", wanted.description),
        ("--project", wanted.project),
        ("--machine-type", wanted.machine_type),
        ("--metric", wanted.metric),
        ("--commit-ref", wanted.commit_ref),
        ("--github-ref", wanted.github_ref),
        ("--tensorboard-dir", wanted.tensorboard_dir),
        ("--pip-req", wanted.pip_req),
        ("--conda-file", wanted.conda_file),
    ):
        refuse_users(option, [text] if text else [])

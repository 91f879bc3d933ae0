"""What must not be stored: variables that look like secrets, and addresses with a user or a password in them.

A variable is handed to the runs and stored nowhere. Whatever else holds such an address would be part of the record, so
it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.wanted import Wanted

__all__ = ["has_user", "is_secret", "refuse_passwords", "refuse_users", "without_user"]

_SECRET = re.compile(r"(?i)key|token|secret|passw|credential|auth")
_USER = re.compile(r"(?<=://)[^/\s]*@")
_TELLING = re.compile(r"(?<!ssh)://[^/\s]*@|://[^/\s:@]*:[^/\s]*@")
"""The user alone may be a token, but not for ssh, which takes none: `ssh://git@host` tells nothing."""

_ADVICE = {
    "--pip": "leave it to pip's own settings",
    "--pip-req": "leave it to pip's own settings",
    "the command": "hand it over with -e NAME=…, and let the program read it",
}


def is_secret(name: str, text: str = "") -> bool:
    """Whether a variable looks like a key or a password, by its name or as an address with a user."""
    return _SECRET.search(name) is not None or has_user(text)


def has_user(text: str) -> bool:
    """Whether an address in the text holds a user or a password."""
    return _TELLING.search(text) is not None


def without_user(text: str | None) -> str | None:
    """A text without the users and passwords that may stand in its addresses."""
    return _USER.sub("", text) if text else text


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

"""What is no part of a bundle: ignore files as git reads them, folders that are made anew, and secrets.

For code, `.git/info/exclude` and the `.gitignore` files count from the root of its repository down; `.luthierignore`
has the same grammar, counts after them and alone counts for data. The deepest file that says something of a path
decides, in it the last line, as gitignore(5) has it. What is inside an ignored folder is not looked at. Secrets are
left out of both kinds unless a `.luthierignore` names them with `!`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from luthier.bundles.manifest import Kind

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["Ignoring", "is_made_anew", "is_secret"]

OURS = ".luthierignore"
GITS = ".gitignore"

# fmt: off
_MADE_ANEW = frozenset((
    ".git", ".hg", ".svn", ".luthier", ".kaos", "__pycache__", ".venv", "venv", ".tox", ".nox", ".mypy_cache",
    ".ruff_cache", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints", ".eggs", "node_modules", ".DS_Store",
))
_SECRETS = frozenset((
    ".env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pypirc", ".npmrc", ".pgpass", ".htpasswd",
    ".git-credentials", ".ssh", ".gnupg", ".aws", ".azure", ".kube", "kaggle.json", "credentials",
    "credentials.json", "secrets.json", "secrets.yml", "secrets.yaml", "secrets.toml",
))
_SECRET_ENDINGS = (".env", ".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk")
_SECRET_BEGINNINGS = (".env.", "client_secret", "service_account", "service-account")
# fmt: on
_HARMLESS = frozenset({".env.example", ".env.sample", ".env.template", ".env.dist"})


def is_secret(name: str) -> bool:
    """Whether a file or folder of this name is likely to hold keys or passwords."""
    name = name.lower()
    if name in _HARMLESS:
        return False
    if name.startswith(_SECRET_BEGINNINGS):
        return name.startswith(".env.") or name.endswith(".json")
    return name in _SECRETS or name.endswith(_SECRET_ENDINGS)


def is_made_anew(path: str, name: str, kind: Kind, *, is_folder: bool) -> bool:
    """Whether it is what tools make by themselves, beside code; a record of Luthier's is part of nothing."""
    if is_folder and os.path.exists(f"{path}/store.db") and os.path.exists(f"{path}/store.db-writers"):
        return True
    if kind == "data":
        return False
    if name in _MADE_ANEW:
        return True
    return is_folder and (os.path.exists(f"{path}/pyvenv.cfg") or os.path.exists(f"{path}/conda-meta"))


class _Rules(NamedTuple):
    """What one folder's ignore files say, of paths relative to that folder."""

    base: str
    spec: GitIgnoreSpec

    def say(self, path: str, *, is_folder: bool) -> bool | None:
        """True: leave it out; False: it was asked for; None: nothing."""
        inside = path[len(self.base) + 1 :] + ("/" if is_folder else "")
        return self.spec.check_file(inside).include


class Ignoring(NamedTuple):
    """The rules that hold in a folder, the deepest last. `wanted` are those of `.luthierignore` alone, by which a secret
    may be asked for."""

    kind: Kind
    rules: tuple[_Rules, ...] = ()
    wanted: tuple[_Rules, ...] = ()

    @classmethod
    def above(cls, source: str, kind: Kind) -> Ignoring:
        """The rules from outside the folder: its repository's; none where that ignores the folder as a whole, which is then
        a project of its own."""
        ignoring = cls(kind)
        root = _repository(source) if kind == "code" else None
        if root is None:
            return ignoring
        ignoring = ignoring._with(root, [".git/info/exclude"])
        between = Path(source).relative_to(root).parts
        for depth in range(len(between)):
            ignoring = ignoring.within(os.path.join(root, *between[:depth]))
            if ignoring.leaves_out(os.path.join(root, *between[: depth + 1]), is_folder=True):
                return cls(kind)
        return ignoring

    def within(self, folder: str) -> Ignoring:
        """The rules inside this folder: its own come last."""
        ignoring = self._with(folder, [GITS]) if self.kind == "code" else self
        return ignoring._with(folder, [OURS])

    def _with(self, folder: str, names: list[str]) -> Ignoring:
        lines = [line for name in names for line in _lines(f"{folder}/{name}")]
        if not lines:
            return self
        from pathspec import GitIgnoreSpec  # 50 ms, and most folders have no such file

        rules = _Rules(folder, GitIgnoreSpec.from_lines(lines))
        wanted = (*self.wanted, rules) if OURS in names else self.wanted
        return self._replace(rules=(*self.rules, rules), wanted=wanted)

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Whether the ignore files name it."""
        return _verdict(self.rules, path, is_folder=is_folder) is True

    def asks_for(self, path: str, *, is_folder: bool) -> bool:
        """Whether a `.luthierignore` names it with `!`."""
        return _verdict(self.wanted, path, is_folder=is_folder) is False


def _verdict(rules: tuple[_Rules, ...], path: str, *, is_folder: bool) -> bool | None:
    for each in reversed(rules):
        if (said := each.say(path, is_folder=is_folder)) is not None:
            return said
    return None


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _repository(source: str) -> str | None:
    """The nearest folder at or above it that is a git repository."""
    for place in (Path(source), *Path(source).parents):
        if (place / ".git").exists():
            return str(place)
    return None

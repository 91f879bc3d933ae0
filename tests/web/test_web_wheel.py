"""The page travels with the package: built where it changed, and never again by who installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).parents[2]


def test_the_digest_tells_when_to_build(tmp_path: Path) -> None:
    web, page = tmp_path / "web", tmp_path / "src/luthier/web/page"
    assert not hatch_build.is_fresh(tmp_path)
    page.mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html>")
    assert hatch_build.is_fresh(tmp_path)  # an sdist without sources has the page, and that is that
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.tsx").write_text("1")
    (web / "package.json").write_text("{}")
    assert not hatch_build.is_fresh(tmp_path)
    (page / ".digest").write_text(hatch_build.digest(web) + "\n")
    assert hatch_build.is_fresh(tmp_path)
    (web / "node_modules").mkdir()
    (web / "test.log").write_text("x")
    assert hatch_build.is_fresh(tmp_path)
    (web / "src" / "main.tsx").write_text("2")
    assert not hatch_build.is_fresh(tmp_path)


def test_a_wheel_made_from_an_sdist_needs_no_node(tmp_path: Path) -> None:
    if not hatch_build.is_fresh(ROOT):
        pytest.skip("the page is not built")

    def run(what: str, where: Path, **environment: str) -> None:
        words = [sys.executable, "-m", "hatchling", "build", "-t", what, "-d", str(tmp_path)]
        done = subprocess.run(
            words, cwd=where, capture_output=True, text=True, env={**os.environ, **environment}
        )
        assert done.returncode == 0, done.stderr

    run("sdist", ROOT)
    [sdist] = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert not any("node_modules" in name for name in archive.getnames())
    shutil.unpack_archive(sdist, tmp_path / "unpacked")
    [tree] = (tmp_path / "unpacked").iterdir()
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    run("wheel", tree, PATH=str(nowhere))
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert names.count("luthier/web/page/index.html") == 1
    assert any(name.startswith("luthier/web/page/assets/") for name in names)

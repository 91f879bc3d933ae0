"""What a bundle holds, and what its digest depends on: content alone."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from luthier.bundles import SMALL, Bundle, Most, TooLarge, digest_of, objects
from luthier.bundles.survey import survey
from luthier.errors import UsageError

FILES = {
    "train.py": "print(1)\n",
    "lib/model.py": "x = 1\n",
    "lib/deep/er.txt": "",
    "run.sh": "echo\n",
    "ä ö.txt": "ü",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def held(folder: Path, kind: str = "code") -> set[str]:
    found = survey(folder, kind)  # type: ignore[arg-type]
    return {file.path for file in found.files} | {link.path for link in found.links}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = write(tmp_path / "project", FILES)
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("lib/model.py")
    return folder


@pytest.mark.parametrize("kind", ["code", "data"])
def test_a_copy_with_other_times_order_owner_and_umask_has_the_same_digest(
    project: Path, tmp_path: Path, kind: str
) -> None:
    copy, before = tmp_path / "elsewhere" / "copy", os.umask(0o077)
    try:
        for name in reversed(list(FILES)):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(FILES[name])
            os.utime(copy / name, (10**9, 10**9))
    finally:
        os.umask(before)
    (copy / "run.sh").chmod(0o700)
    (copy / "latest").symlink_to("lib/model.py")
    (copy / "empty").mkdir()
    if os.getuid() == 0:
        os.chown(copy / "train.py", 1234, 1234)
    one, other = digest_of(project, kind), digest_of(copy, kind)  # type: ignore[arg-type]
    assert (one.digest, one.files, one.size_bytes) == (other.digest, other.files, other.size_bytes)
    assert (one.name, other.name, one.files) == ("project", "copy", 6)


def test_the_digest_is_that_of_the_sorted_paths_kinds_and_contents(tmp_path: Path) -> None:
    write(tmp_path, {"a": "1", "b/c": "2"})
    (tmp_path / "b/c").chmod(0o755)
    (tmp_path / "b/link").symlink_to("c")
    one, two = (hashlib.sha256(text).hexdigest().encode() for text in (b"1", b"2"))
    canonical = b"luthier tree 1\0f " + one + b"\0a\0x " + two + b"\0b/c\0l c\0b/link\0"
    assert digest_of(tmp_path, "data").digest == hashlib.sha256(canonical).hexdigest()


def test_everything_that_matters_changes_the_digest(project: Path) -> None:
    seen = {digest_of(project, "code").digest}

    def changed() -> None:
        digest = digest_of(project, "code").digest
        assert digest not in seen
        seen.add(digest)

    (project / "train.py").write_text("print(2)\n")
    changed()
    (project / "train.py").rename(project / "main.py")
    changed()
    (project / "run.sh").chmod(0o644)
    changed()
    (project / "latest").unlink()
    (project / "latest").symlink_to("main.py")
    changed()
    (project / "lib/deep/er.txt").rename(project / "lib/er.txt")
    changed()
    shutil.copy(project / "lib/model.py", project / "again.py")
    changed()


def test_a_single_file_is_a_bundle_too(project: Path) -> None:
    bundle = digest_of(project / "train.py", "data")
    assert (bundle.files, bundle.size_bytes, bundle.name) == (1, 9, "train.py")
    assert isinstance(bundle, Bundle)


def test_ignore_files_of_all_levels_are_read_as_git_reads_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.log\n/build/\n!keep.log\ndata/*\n!data/small.csv\n# a note\n\\#odd\nsub/**/x.txt\n",
            "a.log": "", "keep.log": "", "build/out": "", "sub/build/out": "", "data/big.csv": "",
            "data/small.csv": "", "#odd": "", "sub/one/two/x.txt": "", "sub/x.txt": "", "sub/y.txt": "",
            "sub/.gitignore": "y.txt\n!a.log\nname with blank\n", "sub/a.log": "", "sub/name with blank": "",
            "node_modules_not/z": "", "excluded.txt": "",
        },
    )  # fmt: skip
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".git/info/exclude").write_text("excluded.txt\n")
    assert held(tmp_path) == _of_git(tmp_path)
    assert {"keep.log", "data/small.csv", "sub/a.log", "sub/build/out"} <= held(tmp_path)
    assert "excluded.txt" not in held(tmp_path)
    # A folder within the repository obeys the files above it.
    assert held(tmp_path / "sub") == {
        p.removeprefix("sub/") for p in _of_git(tmp_path) if p.startswith("sub/")
    }


def _of_git(folder: Path) -> set[str]:
    words = ["git", "-C", str(folder), "ls-files", "-zco", "--exclude-standard"]
    said = subprocess.run(words, capture_output=True, check=True).stdout.decode()
    return set(filter(None, said.split("\0")))


def test_random_ignore_files_leave_out_what_git_leaves_out(tmp_path: Path) -> None:
    draw = random.Random(5)
    names, kept = ["a", "b", "c.txt", "d.log"], 0
    for number in range(25):
        folder = tmp_path / str(number)
        for _ in range(12):
            depth = draw.randrange(1, 4)
            parts = [draw.choice(["a", "b"]) + "_" * (i + 1) for i in range(depth - 1)] + [draw.choice(names)]
            write(folder, {"/".join(parts): "x"})
        forms = ["{}", "/{}", "{}/", "!{}", "**/{}", "{}/*", "!{}/", "*.txt", "!*.txt", "a_/{}", "*", "!/a_/"]
        for place in ("", "a_/", "b_/"):
            if (folder / place).is_dir():
                made = [draw.choice(forms).format(draw.choice([*names, "a_", "b_"])) for _ in range(4)]
                write(folder, {f"{place}.gitignore": "\n".join(made) + "\n"})
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        assert held(folder) == _of_git(folder), (folder / ".gitignore").read_text()
        kept += len(held(folder))
    assert kept > 50


@pytest.mark.parametrize("line", ["demo/", "demo/*", "/demo"])
def test_a_folder_that_its_repository_ignores_is_a_project_of_its_own(tmp_path: Path, line: str) -> None:
    files = {
        ".gitignore": f"{line}\n*.log\n",
        ".git/HEAD": "",
        "demo/digits/train.py": "",
        "demo/digits/a.log": "",
    }
    write(tmp_path, files)
    assert held(tmp_path / "demo" / "digits") == {"train.py", "a.log"}
    assert held(tmp_path) == {".gitignore"}


def test_luthierignore_counts_after_gitignore_and_alone_for_data(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "a\nb\n", ".luthierignore": "!b\nc\n", "a": "", "b": "", "c": "", "d": ""})
    assert held(tmp_path) == {".gitignore", ".luthierignore", "b", "d"}
    assert held(tmp_path, "data") == {".gitignore", ".luthierignore", "a", "b", "d"}


def test_what_tools_make_anew_is_no_code(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": "", "__pycache__/a.pyc": "", ".venv/x": "", "myenv/pyvenv.cfg": "", "myenv/lib/y": "",
            "conda/conda-meta/history": "", ".luthier/store.db": "", "runs/store.db": "", "runs/store.db-writers": "",
            "sub/.git/HEAD": "", "node_modules/m.js": "", ".pytest_cache/x": "",
        },
    )  # fmt: skip
    assert held(tmp_path) == {"a.py"}
    data = held(tmp_path, "data")
    assert {"__pycache__/a.pyc", "myenv/lib/y"} <= data and "runs/store.db" not in data


@pytest.mark.parametrize("kind", ["code", "data"])
def test_secrets_are_left_out_and_named_unless_they_are_asked_for(tmp_path: Path, kind: str) -> None:
    names = (
        ".env",
        ".env.local",
        "id_rsa",
        "server.pem",
        "a/api.key",
        ".aws/credentials",
        "client_secret_1.json",
    )
    write(tmp_path, dict.fromkeys((*names, ".env.example", "id_rsa.pub", "keys.py", "environment.yml"), "x"))
    found = survey(tmp_path, kind)  # type: ignore[arg-type]
    assert {file.path for file in found.files} == {".env.example", "id_rsa.pub", "keys.py", "environment.yml"}
    (said,) = found.notices()
    assert ".env" in said and "keys or passwords" in said and ".luthierignore" in said
    write(tmp_path, {".luthierignore": "!.env\n"})
    assert ".env" in held(tmp_path, kind) and ".env.local" not in held(tmp_path, kind)


def test_links_stay_links_inside_and_are_followed_outside(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"big.csv": "12345", "deep/x": "1", "id_rsa": "secret"})
    folder = write(tmp_path / "in", {"sub/a": "a"})
    for name, target in {
        "one": "sub/a", "sub/up": "../sub", "whole": str(folder / "sub/a"), "file": str(outside / "big.csv"),
        "tree": "../outside", "gone": "/nowhere/at/all", "key": str(outside / "id_rsa"), "dangling": "sub/none",
    }.items():  # fmt: skip
        (folder / name).symlink_to(target)
    found = survey(folder, "data")
    links = {link.path: link.content for link in found.links}
    assert links == {"one": "sub/a", "sub/up": "../sub", "whole": "sub/a", "dangling": "sub/none"}
    assert {file.path for file in found.files} == {"sub/a", "file", "tree/big.csv", "tree/deep/x"}
    said = "\n".join(found.notices())
    assert "gone" in said and "key" in said and "tree -> ../outside" in said
    copy = shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    (copy / "whole").unlink()
    (copy / "whole").symlink_to(copy / "sub/a")
    assert digest_of(copy, "data").digest == digest_of(folder, "data").digest


def test_a_link_to_a_folder_around_it_is_refused(tmp_path: Path) -> None:
    outer = write(tmp_path / "outer", {"in/a": ""})
    (outer / "in/back").symlink_to(outer)
    with pytest.raises(UsageError, match="back.*leads back"):
        survey(outer / "in", "data")


def test_special_files_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("queue")
    with pytest.raises(UsageError, match=r"queue is a pipe.*\.luthierignore"):
        digest_of(tmp_path, "data")
    Path(".luthierignore").write_text("queue\n")
    assert digest_of(tmp_path, "data").files == 1
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("door")
        with pytest.raises(UsageError, match="door is a socket"):
            digest_of(tmp_path, "code")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is not there"):
        digest_of(tmp_path / "nothing", "data")


def test_small_is_small(tmp_path: Path) -> None:
    write(tmp_path, {"a": "12", "b": "12345", "c": "1"})
    found = survey(tmp_path, "code", Most(3, 10, 4))
    assert {file.path for file in found.files} == {"a", "c"}
    assert [(one.path, one.size_bytes) for one in found.large] == [("b", 5)]
    assert "large: b" in found.notices()[0]
    for most, why in ((Most(1, 10, 4), "more than 1 files"), (Most(3, 2, 4), "more than 2e-06 MB")):
        with pytest.raises(TooLarge, match=why):
            survey(tmp_path, "code", most)
    written = survey(tmp_path, "code", SMALL._replace(began=1.0))
    assert not written.files and set(written.written) == {"a", "b", "c"}


def test_a_file_that_changes_while_it_is_read_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"log": "one"})
    really, times = objects._next, [0]

    def growing(source: int, chunk: memoryview) -> int:
        if times[0]:
            times[0] -= 1
            with open(tmp_path / "log", "a") as file:
                file.write("more")
        return really(source, chunk)

    monkeypatch.setattr(objects, "_next", growing)
    times[0] = 1  # it changes once: it is read again
    assert digest_of(tmp_path, "data").size_bytes == 7
    times[0] = 10**6
    with pytest.raises(UsageError, match="log changes while it is read"):
        digest_of(tmp_path, "data")

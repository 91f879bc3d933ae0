"""Where Gradient's door has a project from: folders, archives that are not to be trusted, git repositories."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from luthier.cli.doors.gradient.workspace import Source, copied, entered, fetch, inside, shown
from luthier.errors import UsageError


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tape:
        for info, data in members:
            info.size = len(data)
            tape.addfile(info, io.BytesIO(data))
    return path


def entry(name: str, type: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = type, target, mode
    return info


def git(folder: Path, *words: str) -> str:
    person = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *person, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_folder_is_copied_without_what_is_ignored(tmp_path: Path) -> None:
    source = tmp_path / "p"
    for name in (
        "Makefile",
        "src/a.py",
        "src/__pycache__/a.pyc",
        ".git/HEAD",
        "data/big.bin",
        "notes.log",
        ".luthier/x",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    (source / "link").symlink_to("Makefile")
    os.mkfifo(source / "fifo")
    assert fetch(Source(str(source), ignored=("data", "*.log")), tmp_path / "w") is None
    assert names(tmp_path / "w") == ["Makefile", "link", "src/a.py"]
    assert (tmp_path / "w" / "link").is_symlink()


def test_a_folder_that_holds_its_own_copy_does_not_copy_for_ever(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    fetch(Source(str(tmp_path)), tmp_path / "store" / "es1" / "workspace")
    assert names(tmp_path / "store") == ["es1/workspace/a"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_are_laid_out(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"p.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            script = zipfile.ZipInfo("bin/run.sh")
            script.external_attr = 0o755 << 16
            archive.writestr(script, "x")
            archive.writestr("Makefile", "y")
            archive.writestr("skip/me", "z")
    else:
        tar(
            path,
            (entry("./bin/run.sh", mode=0o755), b"x"),
            (entry("./Makefile"), b"y"),
            (entry("skip/me"), b"z"),
        )
    fetch(Source(str(path), ignored=("skip",)), tmp_path / "w")
    assert names(tmp_path / "w") == ["Makefile", "bin/run.sh"]
    assert stat.S_IMODE((tmp_path / "w" / "bin" / "run.sh").stat().st_mode) == 0o755


HOSTILE = {
    "above": [(entry("../evil"), b"x")],
    "deep": [(entry("a/../../evil"), b"x")],
    "absolute": [(entry("/tmp/luthier-evil"), b"x")],
    "link out": [(entry("out", tarfile.SYMTYPE, "../.."), b"")],
    "link to root": [(entry("out", tarfile.SYMTYPE, "/etc"), b"")],
    "through a link": [(entry("out", tarfile.SYMTYPE, ".."), b""), (entry("out/evil"), b"x")],
    "link by way of a link": [
        (entry("a", tarfile.SYMTYPE, "."), b""),
        (entry("b", tarfile.SYMTYPE, "a/../../evil"), b""),
    ],
    "link in a link": [(entry("a", tarfile.SYMTYPE, "."), b""), (entry("a/b", tarfile.SYMTYPE, "../x"), b"")],
    "folders by way of a link": [
        (entry("d", tarfile.SYMTYPE, "{outside}"), b""),
        (entry("d/x/y/z", tarfile.SYMTYPE, "/etc/passwd"), b""),
    ],
    "folders by way of a later link": [
        (entry("d/x/y/z", tarfile.SYMTYPE, "w"), b""),
        (entry("d", tarfile.SYMTYPE, "{outside}"), b""),
    ],
    "a link out after one that stays": [
        (entry("d", tarfile.SYMTYPE, "e"), b""),
        (entry("e", tarfile.SYMTYPE, "{outside}"), b""),
    ],
    "in circles": [(entry("a", tarfile.SYMTYPE, "b"), b""), (entry("b", tarfile.SYMTYPE, "a"), b"")],
    "hard link out": [(entry("h", tarfile.LNKTYPE, "../evil"), b"")],
    "device": [(entry("d", tarfile.CHRTYPE), b"")],
    "fifo": [(entry("f", tarfile.FIFOTYPE), b"")],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_an_archive_writes_nowhere_else(case: str, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    for info, _ in HOSTILE[case]:
        info.linkname = info.linkname.replace("{outside}", str(tmp_path / "outside"))
    path = tar(tmp_path / "p.tar.gz", *HOSTILE[case])
    before = names(tmp_path)
    with pytest.raises(UsageError):
        fetch(Source(str(path)), tmp_path / "in" / "w")
    assert names(tmp_path) == before and not (tmp_path / "in" / "w").exists()
    assert list((tmp_path / "outside").iterdir()) == []


def test_links_that_stay_inside_are_laid_out(tmp_path: Path) -> None:
    links = [
        ("model/latest", "v1"),
        ("m", "./model/latest"),
        ("deep/er/up", "../../m/a"),
        ("later", "not/yet"),
    ]
    members = [(entry("model/v1/a"), b"x"), *((entry(a, tarfile.SYMTYPE, b), b"") for a, b in links)]
    fetch(Source(str(tar(tmp_path / "p.tar.gz", *members))), tmp_path / "w")
    assert [os.readlink(tmp_path / "w" / name) for name, _ in links] == [target for _, target in links]
    assert (tmp_path / "w" / "deep" / "er" / "up").read_text() == "x"


def test_a_zip_writes_nowhere_else(tmp_path: Path) -> None:
    for number, name in enumerate(["../evil", "/evil", "..\\evil", "C:\\evil"]):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(UsageError, match="leads out of the workspace"):
            fetch(Source(str(path)), tmp_path / "w")


def test_what_is_no_archive_or_is_damaged_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_text("nothing")
    with pytest.raises(UsageError, match=r"is no archive"):
        fetch(Source(str(tmp_path / "p.zip")), tmp_path / "w")
    whole = tar(tmp_path / "p.tar.gz", (entry("a"), os.urandom(5000))).read_bytes()
    (tmp_path / "p.tar.gz").write_bytes(whole[:2000])
    with pytest.raises(UsageError, match=r"can't be taken apart|is no archive"):
        fetch(Source(str(tmp_path / "p.tar.gz")), tmp_path / "w")


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_tape_that_is_written_over_is_not_taken_as_good(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"p.{kind}"
    with tarfile.open(path, f"w:{kind.removeprefix('tar').removeprefix('.')}") as tape:
        for name in ("a", "b", "c"):
            info = entry(name)
            info.size = 20 * 512
            tape.addfile(info, io.BytesIO(os.urandom(info.size)))
    data = bytearray(path.read_bytes())
    middle = 21 * 512 if kind == "tar" else len(data) // 2  # where b begins
    data[middle : middle + 64] = bytes(range(1, 65))
    path.write_bytes(data)
    with pytest.raises(UsageError, match="it is damaged|or a damaged one"):
        fetch(Source(str(path)), tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "way", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip_that_is_written_over_is_not_taken_as_good(way: int, tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", way) as archive:
        archive.writestr("a", os.urandom(5000))
    for middle in (45, 2500):
        data = bytearray(path.read_bytes())
        data[middle : middle + 64] = bytes(range(1, 65))
        path.write_bytes(data)
        with pytest.raises(UsageError, match="it is damaged"):
            fetch(Source(str(path)), tmp_path / "w")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        (folder / "text").write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", text)
    git(folder, "tag", "v1", "HEAD~1")
    git(folder, "branch", "topic", "HEAD~1")
    return folder


def test_a_repository_is_cloned_at_its_newest_commit(repository: Path, tmp_path: Path) -> None:
    commit = fetch(Source(f"git+file://{repository}"), tmp_path / "w")
    assert commit == git(repository, "rev-parse", "HEAD")
    assert (tmp_path / "w" / "text").read_text() == "two"


@pytest.mark.parametrize("ref", ["v1", "topic", "commit"])
def test_a_ref_is_a_tag_a_branch_or_a_commit(ref: str, repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1")
    commit = fetch(Source(f"git+file://{repository}", first if ref == "commit" else ref), tmp_path / "w")
    assert (commit, (tmp_path / "w" / "text").read_text()) == (first, "one")


@pytest.mark.parametrize(
    ("place", "ref", "said"),
    [
        ("git+file://{}/nowhere", None, "could not be cloned: fatal:"),
        ("git+file://{}", "nope", "has no commit, branch or tag 'nope'"),
        ("git+file://{}", "--upload-pack=touch x", "is no commit, branch or tag"),
        ("git+ext::sh -c id", None, "git\\+ goes with"),
        ("git+{}", None, "git\\+ goes with"),
        ("s3://bucket/x.zip", None, "has to be downloaded first"),
        ("{}/nothing", None, "is no folder, archive or git"),
        ("{}", "v1", "--workspaceRef names a commit of a git repository"),
    ],
)
def test_what_can_t_be_fetched_says_why(
    place: str, ref: str | None, said: str, repository: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        fetch(Source(place.format(repository), ref), tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_a_password_is_handed_to_git_and_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git is a stand-in that asks for the password as git does, and refuses."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text(
        '#!/bin/sh\nu=$("$GIT_ASKPASS" "Username for x")\np=$("$GIT_ASKPASS" "Password for x")\n'
        'echo "fatal: $u $p was refused" >&2\necho "$u:$p" > "$SEEN"\nexit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    with pytest.raises(UsageError) as caught:
        fetch(Source("git+https://ann:inside@host/x.git", user="ann", password="hunter2"), tmp_path / "w")
    assert (tmp_path / "seen").read_text() == "ann:hunter2\n"
    assert str(caught.value) == "git+https://host/x.git could not be cloned: fatal: ann *** was refused"
    assert shown("git+https://ann:inside@host/x.git") == "git+https://host/x.git"


def test_the_working_directory_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "w" / "src").mkdir(parents=True)
    assert inside(tmp_path / "w", None) == tmp_path / "w"
    assert (
        inside(tmp_path / "w", "src") == inside(tmp_path / "w", "/paperspace/src") == tmp_path / "w" / "src"
    )
    (tmp_path / "w2").mkdir()
    for outside in ("..", "/etc", "src/../..", "../w2"):
        with pytest.raises(UsageError, match="outside of the workspace"):
            inside(tmp_path / "w", outside)
    with pytest.raises(UsageError, match="has no such folder"):
        inside(tmp_path / "w", "nope")


@pytest.mark.parametrize(
    ("members", "asked", "found"),
    [
        (("r-main/Makefile", "r-main/src/a"), None, "r-main"),
        (("r-main/Makefile", "r-main/src/a"), "src", "r-main/src"),
        (("r-main/Makefile", "r-main/src/a"), "/paperspace/src", "r-main/src"),
        (("r-main/Makefile", "r-main/src/a"), "r-main", "r-main"),
        (("r-main/Makefile", "r-main/src/a"), "..", ".."),
        (("r-main/Makefile", "beside"), None, None),
        (("Makefile",), None, None),
    ],
)
def test_an_archive_of_one_folder_is_entered(
    members: tuple[str, ...], asked: str | None, found: str | None, tmp_path: Path
) -> None:
    tar(tmp_path / "w.tar.gz", *((entry(f"./{name}"), b"x") for name in members))
    source = Source(str(tmp_path / "w.tar.gz"))
    fetch(source, tmp_path / "w")
    assert entered(source, tmp_path / "w", asked) == found
    folder = Source(str(tmp_path / "w"))
    fetch(folder, tmp_path / "w2")
    assert entered(folder, tmp_path / "w2", asked) == asked, "a folder is taken as it is"


def test_a_task_gets_a_copy_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "a").write_text("1")
    copied(tmp_path / "w", tmp_path / "t")
    (tmp_path / "t" / "a").write_text("2")
    assert (tmp_path / "w" / "a").read_text() == "1"

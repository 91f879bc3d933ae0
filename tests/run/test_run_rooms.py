"""Temporary folders: what a killed program leaves is swept, what is in use or another's stays; sockets in deep folders."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from luthier.run import rooms
from luthier.run._door import bind, connect
from luthier.run.rooms import OWNER, Room, sweep

PROGRAM = """
import sys
from luthier.run.rooms import Room
room = Room()
open(room.name + "/work", "w").close()
print(room.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary ones."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(rooms, "_swept", set())
    return tmp_path


def begun(place: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process that has a room."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert program.stdout is not None
    return program, Path(program.stdout.readline().strip())


def ended(program: subprocess.Popen[str]) -> None:
    program.communicate()


def test_a_room_is_gone_when_it_is_closed_or_forgotten(place: Path) -> None:
    room = Room()
    assert (Path(room.name) / OWNER).exists() and Path(room.name).stat().st_mode & 0o777 == 0o700
    room.cleanup()
    room.cleanup()
    with Room() as name:
        assert os.path.isdir(name)
    assert list(place.iterdir()) == []


@pytest.mark.fault
def test_what_a_killed_program_leaves_is_swept_by_the_next(place: Path) -> None:
    program, left = begun(place)
    assert sweep(str(place)) == 0 and (left / "work").exists()  # it is in use
    program.send_signal(signal.SIGKILL)
    ended(program)
    assert left.exists()
    with Room() as name:
        assert not left.exists() and os.path.isdir(name)


def test_only_rooms_are_swept(place: Path) -> None:
    kept = [place / "luthier-mine", place / "other", place / "luthier-linked"]
    for folder in kept[:2]:
        folder.mkdir()
        (folder / "file").touch()
    (kept[1] / OWNER).touch()  # another name than ours
    kept[2].symlink_to(kept[1])
    (place / "luthier-file").touch()
    pointing = place / "luthier-pointing"
    pointing.mkdir()
    (pointing / OWNER).symlink_to(kept[1] / OWNER)
    (place / "luthier-left").mkdir()
    (place / "luthier-left" / OWNER).touch()
    assert sweep(str(place)) == 1
    assert {path.name for path in place.iterdir()} == {
        "luthier-mine", "other", "luthier-linked", "luthier-file", "luthier-pointing",
    }  # fmt: skip
    assert (kept[1] / "file").exists()


def test_the_rooms_of_other_users_stay(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "luthier-left").mkdir()
    (place / "luthier-left" / OWNER).touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert sweep(str(place)) == 0 and (place / "luthier-left").exists()


def test_a_room_that_is_being_made_is_not_swept(place: Path) -> None:
    folder = place / "luthier-new"
    folder.mkdir()
    (folder / f".{OWNER}").touch()
    assert sweep(str(place)) == 0 and folder.exists()


@pytest.mark.parametrize("length", [10, 100, 107, 108, 300, 2000])
def test_a_socket_in_a_folder_with_a_long_name(length: int, tmp_path: Path) -> None:
    folder = tmp_path
    while len(str(folder)) < length:
        folder /= "d" * min(200, max(1, length - len(str(folder)) - 1))
    folder.mkdir(parents=True, exist_ok=True)
    door, end = (socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2))
    with door, end:
        bind(door, f"{folder}/door")
        door.listen(1)
        connect(end, f"{folder}/door")
        other, _ = door.accept()
        other.close()
        assert end.recv(1) == b""
    assert (folder / "door").is_socket()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end, pytest.raises(FileNotFoundError):
        connect(end, f"{folder}/none")


def test_a_function_is_searched_with_a_long_folder_for_temporary_files(tmp_path: Path) -> None:
    folder = tmp_path / ("t" * 120) / ("u" * 120)
    folder.mkdir(parents=True)
    program = (
        "import luthier\n"
        "def loss(config):\n    return config['x'] ** 2\n"
        "if __name__ == '__main__':\n"
        "    e = luthier.minimize(loss, {'x': luthier.uniform(-1, 1)}, trials=4, workers=2, progress=False)\n"
        "    print(len(e))\n"
    )
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
        timeout=100,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "4"), done.stderr
    assert list(folder.iterdir()) == []

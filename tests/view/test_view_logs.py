"""Growing files are read by whole lines, whatever the pieces they arrive in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from luthier.view import logs
from luthier.view.logs import Tail, tail_of

PIECES = st.lists(
    st.sampled_from([b"a", b"bc", b"\n", b"\n\n", b"d\ne", b"\r\n", b"\xff", "é".encode()[:1], b"x" * 70_000])
)


def lines_of(content: bytes) -> list[str]:
    parts = content.split(b"\n")
    whole = parts[:-1] + ([parts[-1]] if parts[-1] else [])
    return [part.removesuffix(b"\r").decode("utf-8", "replace") for part in whole]


@given(PIECES)
def test_a_growing_file_gives_each_line_once(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        tail, read = Tail(str(path)), []
        read += tail.lines()
        with open(path, "wb") as file:
            for piece in pieces:
                file.write(piece)
                file.flush()
                read += tail.lines()
        read += tail.last()
        assert read == lines_of(b"".join(pieces))
        assert [*tail.lines(), *tail.last()] == []


@given(PIECES, st.integers(0, 6))
def test_the_last_lines_are_those_of_the_whole(pieces: list[bytes], count: int) -> None:
    content = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.write_bytes(content)
        expected = lines_of(content)
        assert list(tail_of(str(path), count)) == (expected[-count:] if count else [])


def test_a_line_without_end_is_passed_on_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (3 * logs._LONGEST))
    tail = Tail(str(path))
    parts = [*tail.lines(), *tail.last()]
    assert len(parts) >= 2
    assert "".join(parts) == "x" * (3 * logs._LONGEST)


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert tail_of(str(tmp_path / "none"), 5) == ()

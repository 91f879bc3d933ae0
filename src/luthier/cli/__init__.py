"""The command line: words in, a description out; rows in, a table or a JSON document out.

One file a command, named as the command is. `index.COMMANDS` is the list of all of them. Bare `luthier`,
`luthier --help` and `luthier --version` are answered from it here, without importing click (which costs more than
all of Python does to start); everything else goes to `app.py`. Data goes to standard output, messages to standard
error, and the exit codes are those of `luthier help exit-codes`. Nothing may be imported here but `sys` and the list.
"""

from __future__ import annotations

import sys

from luthier.cli.index import top_help

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code. The console script calls it."""
    words = sys.argv[1:] if argv is None else argv
    if words in ([], ["--help"], ["-h"]) and not _completes():
        return _print(top_help())
    if words == ["--version"]:
        from luthier import __version__

        return _print(f"luthier {__version__}\n")
    import gc

    # Nearly all that a command line makes stays until its end: looking for garbage in it costs 5 ms at the start and,
    # for the whole of it once more, 12 ms at the end.
    gc.set_threshold(50_000)
    from luthier.cli.app import run

    try:
        return run(words)
    finally:
        gc.freeze()


def _completes() -> bool:
    """Whether a shell asks for completions, which only click can answer."""
    import os

    return "_LUTHIER_COMPLETE" in os.environ


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        from luthier.cli.app import quiet_pipe

        return quiet_pipe()
    return 0

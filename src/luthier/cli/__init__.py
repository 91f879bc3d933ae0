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
    """Runs the command line and returns its exit code.

    The console script calls it without words, and then it ends the process itself.
    """
    if argv is not None:
        return _answer(argv)
    _open_streams()
    code = _answer(sys.argv[1:])
    _leave(code)
    return code


def _answer(words: list[str]) -> int:
    if words in ([], ["--help"], ["-h"]) and not _completes():
        return _print(top_help())
    if words == ["--version"]:
        from luthier import __version__

        return _print(f"luthier {__version__}\n")
    import gc

    # Nearly all that a command line makes stays until its end: looking for garbage in it costs 5 ms at the start.
    gc.set_threshold(50_000)
    from luthier.cli.app import run

    return run(words)


def _open_streams() -> None:
    """Gives a process that was started without standard streams some that lead nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            import os

            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - to the end


def _leave(code: int) -> None:
    """Ends the process at once, unless its last words can't be written, which Python says in its own way.

    Everything is in order by now; only to take all modules apart would cost a tenth of what the start does.
    """
    import os

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # full or gone; closed; never open
        return
    os._exit(code)


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
    except OSError as error:
        from luthier.cli.app import forget_output
        from luthier.cli.output import unwritten

        sys.stderr.write(f"luthier: {unwritten(error)}\n")
        forget_output()
        return 2
    return 0

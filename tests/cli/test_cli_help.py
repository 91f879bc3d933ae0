"""The hot path and the way out: what help prints and imports, exit codes, unknown words, completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from luthier.cli import main
from luthier.cli.app import Example, app, run
from luthier.cli.index import COMMANDS, GROUPS, top_help
from luthier.errors import ConflictError, NotFound, UsageError

IMPORTED = """
import sys
from luthier.cli import main
code = main({argv!r})
print("|".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def modules_of(argv: list[str], folder: Path) -> tuple[str, set[str]]:
    """What a command prints and the modules it loads, in a process of its own."""
    words = [sys.executable, "-c", IMPORTED.format(argv=argv)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=True)
    return done.stdout, set(done.stderr.splitlines()[-1].split("|"))


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]])
def test_help_needs_nothing_but_the_command_table(argv, tmp_path) -> None:
    text, loaded = modules_of(argv, tmp_path)
    assert text == top_help()
    assert {name for name in loaded if name.startswith("luthier")} == {
        "luthier",
        "luthier.cli",
        "luthier.cli.index",
    }
    assert not loaded & {"click", "argparse", "importlib.metadata", "pathlib", "dataclasses", "inspect"}


def test_help_is_the_same_through_click(capsys) -> None:
    assert run(["--no-color", "--help"]) == 0
    assert capsys.readouterr().out == top_help()


def test_version_is_the_same_on_both_ways(capsys) -> None:
    assert main(["--version"]) == 0
    assert run(["--no-color", "--version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert re.fullmatch(r"luthier \d+\.\d+\.\d+\S*", first)


@pytest.mark.parametrize(
    "argv", [["list"], ["show"], ["best"], ["logs", "1.1"], ["export"], ["metrics", "1"]]
)
def test_looking_loads_nothing_heavy(argv, place) -> None:
    _, loaded = modules_of(argv, place.parent)
    assert not loaded & {"numpy", "scipy", "rich", "msgspec", "asyncio", "ruamel.yaml", "psutil", "pyarrow"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "template"])
def test_every_command_explains_itself_with_an_example(name) -> None:
    command = app.get_command(click.Context(app), name)
    assert isinstance(command, Example)
    assert f"luthier {name}" in command.example or name == "tell"
    assert command.help
    assert all(p.help for p in command.params if isinstance(p, click.Option)), name


def test_every_command_has_a_heading_and_fits_the_page() -> None:
    assert {group for _, _, group in COMMANDS.values()} == set(GROUPS)
    assert all(len(line) <= 100 for line in top_help().splitlines())


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("a"), 2), (ConflictError("b"), 3), (NotFound("c"), 4), (KeyboardInterrupt(), 130)],
)
def test_errors_become_exit_codes_and_one_message(error, code, monkeypatch, capsys) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("luthier.cli.list.command.callback", fail)
    assert run(["list"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip() == (f"luthier: {error}" if str(error) else "")


def test_a_bug_keeps_its_traceback(monkeypatch, capsys) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("luthier.cli.list.command.callback", fail)
    assert run(["list"]) == 70
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "ZeroDivisionError: ours" in said
    assert "please report it" in said


def test_a_reader_that_goes_away_is_no_error(place) -> None:
    for words in (["export"], ["--help"]):
        reading, writing = os.pipe()
        os.close(reading)
        argv = [sys.executable, "-c", f"import sys; from luthier.cli import main; sys.exit(main({words!r}))"]
        done = subprocess.run(argv, stdout=writing, stderr=subprocess.PIPE, cwd=place.parent, check=False)
        os.close(writing)
        assert (done.returncode, done.stderr) == (141, b"")


LAST_WORDS = """
import sys
from luthier import cli
cli._answer = lambda words: print("last words") or 3
sys.exit(cli.main())
"""


def test_the_process_leaves_when_its_last_words_are_written() -> None:
    argv = [sys.executable, "-c", "import atexit; atexit.register(print, 'taken apart')" + LAST_WORDS]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "last words\n", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a file that is always full")
def test_last_words_that_cannot_be_written_are_no_success() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", LAST_WORDS.replace("or 3", "or 0")],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode != 0
    assert b"No space left" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_us(shell, run) -> None:
    said = run("completion", shell)
    assert said.code == 0
    assert "_LUTHIER_COMPLETE" in said.out


def test_a_shell_can_complete_commands_and_options(monkeypatch, capsys) -> None:
    monkeypatch.setenv("_LUTHIER_COMPLETE", "bash_complete")
    for words, position, expected in (
        ("luthier be", "1", "plain,best"),
        ("luthier best --t", "2", "plain,--top"),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", position)
        main([])
        assert expected in capsys.readouterr().out.splitlines()

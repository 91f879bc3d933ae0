"""`luthier import`: what other tools made. Trials become a finished experiment, searches a file of `luthier run`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.describe import labels_of
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, emit_json, say
from luthier.description import Objective
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.job.foreign.search import Search
    from luthier.job.foreign.study import Study

__all__ = ["command"]

EXAMPLE = """
luthier import study.db --study digits          an Optuna storage: SQLite, or a journal
luthier import results.csv --metric loss --minimize
luthier import sweep.yaml > search.yaml         a W&B sweep or a Katib experiment; then: luthier run search.yaml
luthier import orion hunt -n mine python train.py -x~'loguniform(1e-5, 1.0)' > search.yaml
luthier import guild run train.py lr=loguniform[1e-5:1e-1] --minimize loss > search.yaml
"""

COMMAND_LINES = ("orion", "guild")
"""What is written as a command line: all words after it are its own."""
FILES = ("optuna", "csv", "wandb", "katib")
"""What may stand before a file to say what it is."""


class _Import(Example):
    """A command whose options may follow the file, but end where another tool's command line begins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = next((place for place, word in enumerate(args) if word in COMMAND_LINES), None)
        is_first = at is not None and all(_is_option(args, place) for place in range(at))
        ctx.allow_interspersed_args = not is_first
        return super().parse_args(ctx, args)


def _is_option(args: Sequence[str], place: int) -> bool:
    """Whether a word is an option or stands after one, so that nothing but options came so far."""
    return args[place].startswith("-") or (place > 0 and args[place - 1].startswith("-"))


@click.command("import", cls=_Import, example=EXAMPLE)
@click.argument("source", nargs=-1, type=click.UNPROCESSED, required=True)
@click.option("--study", metavar="NAME", help="Which study of an Optuna storage, where it has several.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="The objective: a column of a CSV file, or a name for Optuna's. Repeat it for several of Optuna's.",
)
@click.option(
    "--maximize/--minimize", "maximize", default=None, help="Which way is better in a CSV file (default: by the name; a loss or an error is minimized)."
)  # fmt: skip
@click.option(
    "--also", multiple=True, metavar="WAY:METRIC", help="A further objective in a CSV file: minimize:latency."
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME",
    help="A column of a CSV file that is a parameter (default: all others). Repeat it.",
)
@click.option("--name", metavar="NAME", help="Names the experiment.")
@click.option(
    "--label", "labels", multiple=True, metavar="KEY=VALUE", help="Notes something with the experiment."
)
@click.option("--new", "fresh", is_flag=True, help="Bring the same trials in once more.")
@as_json
@with_store
def command(
    source: tuple[str, ...],
    study: str | None,
    metrics: tuple[str, ...],
    maximize: bool | None,
    also: tuple[str, ...],
    params: tuple[str, ...],
    name: str | None,
    labels: tuple[str, ...],
    fresh: bool,
    as_json: bool,
    place: Place,
) -> int:
    """Brings in what other tools made: SOURCE is a file, or the words `orion` or `guild` and a command line of theirs.

    The trials of an Optuna storage or a CSV file become a finished experiment, for show, best, plot, importance,
    --warm-start and `tune --from`; the same trials are brought in once. A W&B sweep, a Katib experiment and the
    command lines of Orion and Guild describe a search: it is printed as a file for `luthier run`, and what does not
    map is named.
    """
    asked = {"--study": study, "--metric": metrics, "--maximize or --minimize": maximize, "--also": also}
    asked |= {"--param": params, "--name": name, "--label": labels, "--new": fresh or None}
    given = [option for option, value in asked.items() if value not in (None, ())]
    kind, words = _kind(source)
    if kind in ("orion", "guild", "wandb", "katib"):
        _only((), given, kind)
        return _print_search(_search(kind, words), as_json=as_json)
    path = Path(words[0])
    if kind == "csv":
        _only(("--metric", "--maximize or --minimize", "--also", "--param", *COMMON), given, "a CSV file")
        found = _table(path, metrics, maximize, also, params)
    else:
        _only(("--study", "--metric", *COMMON), given, "an Optuna storage")
        found = _optuna(path, study, metrics)
    from luthier.cli.importing import bring_in

    return bring_in(
        found, str(path), place, name=name, labels=labels_of(labels), fresh=fresh, as_json=as_json
    )


COMMON = ("--name", "--label", "--new")


def _only(known: Sequence[str], given: Sequence[str], what: str) -> None:
    """Refuses options that mean nothing to this kind of source."""
    for option in given:
        if option not in known:
            raise UsageError(f"{option} means nothing to {what}; leave it out")


# ---------------------------------------------------------------------- what the source is


def _kind(source: Sequence[str]) -> tuple[str, list[str]]:
    """What kind of source is meant, and its words: a file, or a command line.

    **Raises** UsageError for a file that is not there or of no kind that is known.
    """
    first, *rest = source
    if first in COMMAND_LINES:
        if not rest:
            raise UsageError(f"write the command line after {first}, as you would type it")
        return first, rest
    named = first in FILES and rest
    words = rest if named else [first, *rest]
    if len(words) > 1:
        raise UsageError(f"there is more than one file ({' '.join(words)}); bring them in one by one")
    path = _path(words[0])
    return (first if named else _looked_at(path)), [str(path)]


def _path(text: str) -> Path:
    """The file, which may be named as Optuna names storages."""
    url, sign, rest = text.partition("://")
    if sign and url.partition("+")[0] != "sqlite":
        raise UsageError(
            f"{text} is a server, and only files are read; copy the study into one with: optuna.copy_study("
            f"from_study_name=…, from_storage=…, to_storage='sqlite:///study.db')"
        )
    path = Path(os.path.expanduser(rest.removeprefix("/") if sign else text))
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise UsageError(f"{path} {what}; name a file of Optuna, W&B or Katib, or a CSV file")
    return path


def _looked_at(path: Path) -> str:
    """What a file is, by its name or what is in it."""
    from luthier.job.foreign.optuna_journal import is_journal
    from luthier.job.foreign.optuna_rdb import is_sqlite

    try:
        if is_sqlite(path) or is_journal(path):
            return "optuna"
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from None
    if path.suffix.lower() in (".csv", ".tsv"):
        return "csv"
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        from luthier.job.document import read_document
        from luthier.job.foreign.kinds import kind_of

        kind = kind_of(read_document(path))
        if kind in ("wandb", "katib"):
            return kind
        if kind == "native":
            raise UsageError(f"{path} is a file of Luthier's own; run it with: luthier run {path}")
        if kind == "riseml":
            raise UsageError(f"{path} is RiseML's; search its space with: luthier tune --from {path}")
    raise UsageError(
        f"{path} is no Optuna storage, CSV file, W&B sweep or Katib experiment, as far as can be seen; "
        "say what it is with a word before it: luthier import csv FILE"
    )


def _optuna(path: Path, study: str | None, metrics: Sequence[str]) -> Study:
    from dataclasses import replace

    from luthier.job.foreign.optuna_journal import read_journal
    from luthier.job.foreign.optuna_parts import study_of
    from luthier.job.foreign.optuna_rdb import is_sqlite, read_rdb

    if is_sqlite(path):
        return study_of(read_rdb(path, study), metrics)
    raw, said = read_journal(path, study)
    found = study_of(raw, metrics)
    return replace(found, said=(*said, *found.said))


def _table(
    path: Path, named: Sequence[str], maximize: bool | None, also: Sequence[str], params: Sequence[str]
) -> Study:
    from luthier.cli.describe import direction_notes
    from luthier.job.foreign.table import Columns, read_table
    from luthier.metrics import is_made_small

    if len(named) > 1:
        raise UsageError("a CSV file has one --metric; name further ones with --also minimize:NAME")
    is_small = is_made_small(named[0]) if named and maximize is None else maximize is False
    first = [Objective(named[0], direction="minimize" if is_small else "maximize")] if named else []
    objectives = (*first, *map(Objective.of, also))
    found = read_table(path, Columns(tuple(objectives), tuple(params)))
    for note in direction_notes(first[0] if first else None, maximize):
        say(note)
    return found


# ---------------------------------------------------------------------- searches


def _search(kind: str, words: Sequence[str]) -> Search:
    from luthier.job.foreign.kinds import command_line_search, file_search

    if kind in COMMAND_LINES:
        return command_line_search(kind, words)
    from luthier.job.document import read_document

    return file_search(kind, read_document(words[0]))


def _print_search(search: Search, *, as_json: bool) -> int:
    """Prints the file, and what does not map."""
    from luthier.job.foreign.kinds import checked_text

    text = checked_text(search)
    if as_json:
        emit_json("import", {"file": text, "said": list(search.said)})
    else:
        emit(text.removesuffix("\n"))
    for line in search.said:
        say(line)
    return 0

"""The commands of `python -m bench.quality`: what was asked, and who does it."""

from __future__ import annotations

import argparse
import math
import re

from bench.quality import peers, results
from bench.quality.levels import make_levels
from bench.quality.problem import FAMILIES, Problem
from bench.quality.problems import all_problems
from bench.quality.report import write_report
from bench.quality.running import Search, missing, run
from bench.quality.table import Asked, shown

__all__ = ["main"]

FAST = "random,optuna-tpe,optuna-gp,luthier:auto"
ALL = ",".join(["luthier:auto", *peers.PEERS])


def main(words: list[str] | None = None) -> int:
    """Does what the words say."""
    asked = parser().parse_args(words)
    match asked.command:
        case "run":
            return command_run(asked)
        case "table":
            print(
                shown(
                    chosen(asked),
                    Asked(names(asked.peers), asked.seeds, asked.focus, asked.code, asked.problems_shown),
                )
            )
        case "levels":
            make_levels(least_seen())
        case "report":
            write_report(Asked(names(asked.peers), asked.seeds, asked.focus, asked.code))
    return 0


def parser() -> argparse.ArgumentParser:
    """The words that may be said."""
    top = argparse.ArgumentParser(prog="python -m bench.quality", description="How good the proposals are.")
    commands = top.add_subparsers(dest="command", required=True)
    for name, help_text in (
        ("run", "make the searches that are missing"),
        ("table", "print what came of them"),
    ):
        command = commands.add_parser(name, help=help_text)
        fast = FAST if name == "run" else ALL
        command.add_argument("--peers", default=fast, help=f"of {', '.join(peers.PEERS)}, luthier:NAME")
        command.add_argument("--family", help=f"of {', '.join(FAMILIES)}; several with commas")
        command.add_argument("--problems", help="a regular expression of names")
        command.add_argument("--trials-at-most", type=int, help="only problems with so small a budget")
        command.add_argument("--half", choices=("tune", "held-out", "all"), default="tune")
        seeds = 5 if name == "run" else 10
        command.add_argument("--seeds", type=int, default=seeds, help="seeds 1 to so many")
        if name == "run":
            command.add_argument("--jobs", type=int, default=2)
            command.add_argument(
                "--budget-scale", type=float, default=1.0, help="for a quick look: not in tables"
            )
            command.add_argument(
                "--record", action="store_true", help="keep Luthier's results in the tracked files"
            )
            command.add_argument("--again", action="store_true", help="also what is there already")
        else:
            command.add_argument("--focus", help="whom the others are compared with (the first of Luthier's)")
            command.add_argument(
                "--code", help="an earlier Luthier whose results are shown: its digest, or last"
            )
            command.add_argument(
                "--each", dest="problems_shown", action="store_true", help="every problem as well"
            )
    commands.add_parser("levels", help="make the levels of new and changed problems")
    report = commands.add_parser("report", help="write docs/benchmarks.md")
    report.add_argument("--peers", default=ALL)
    report.add_argument("--seeds", type=int, default=10)
    report.add_argument("--focus", default="luthier:auto")
    report.add_argument("--code", default="last", help="which Luthier is shown: its digest, or last")
    return top


def names(peer_list: str) -> list[str]:
    """The peers of a list with commas. **Raises** SystemExit for one that is unknown."""
    found = [name.strip() for name in peer_list.split(",") if name.strip()]
    for name in found:
        if name not in peers.PEERS and not name.startswith("luthier:"):
            raise SystemExit(
                f"there is no peer {name!r}; the peers are {', '.join(peers.PEERS)} and luthier:NAME"
            )
    return found


def chosen(asked: argparse.Namespace) -> list[Problem]:
    """The problems that were asked for."""
    families = asked.family.split(",") if asked.family else FAMILIES
    return [
        problem
        for problem in all_problems().values()
        if problem.family in families
        and asked.half in (problem.half, "all")
        and (not asked.problems or re.search(asked.problems, problem.name))
        and (not asked.trials_at_most or problem.budget <= asked.trials_at_most)
    ]


def command_run(asked: argparse.Namespace) -> int:
    """Makes the missing searches, the first seeds of all problems first."""
    folder = {True: results.TRACKED, False: results.SCRATCH}[asked.record]
    wanted: list[Search] = []
    for peer in names(asked.peers):
        wanted += missing(peer, chosen(asked), asked.seeds, asked.budget_scale, again=asked.again)
    wanted.sort(key=lambda search: search.seed)
    return run(wanted, asked.jobs, folder)


def least_seen() -> dict[str, float]:
    """The least score of every problem in all the results."""
    least: dict[str, float] = {}
    stored = {path.stem.replace("luthier-", "luthier:") for path in results.TRACKED.glob("*.jsonl")}
    for peer in sorted(stored):
        for (name, _, _), record in results.load(peer).items():
            base = name.partition("@")[0]
            least[base] = min([least.get(base, math.inf), *(score for _, score in record["steps"])])
    return least

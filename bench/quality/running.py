"""Makes the searches that are missing, several processes at a time, and says how far it is."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from bench.quality import peers, results
from bench.quality.play import play
from bench.quality.problem import Problem
from bench.quality.problems import all_problems

__all__ = ["Search", "missing", "run"]


class Search(NamedTuple):
    """One search that is to be made."""

    peer: str
    problem: str
    seed: int
    budget: int


def missing(
    peer: str, problems: Sequence[Problem], seeds: int, scale: float = 1.0, again: bool = False
) -> list[Search]:
    """What the peer has not searched yet with the seeds from 1."""
    there = set() if again else set(results.load(peer))
    found = []
    for seed in range(1, seeds + 1):
        for problem in problems:
            budget = max(5, round(problem.budget * scale))
            if peers.suits(peer, problem) and results.wanted_key(problem, seed, budget) not in there:
                found.append(Search(peer, problem.name, seed, budget))
    return found


def run(wanted: Sequence[Search], jobs: int, folder: Path) -> int:
    """Makes them all and keeps each as soon as it is made; 1 when one broke."""
    code = results.code_digest()
    print(f"{len(wanted)} searches; luthier {code}", flush=True)
    began, broken = time.monotonic(), 0
    # A fork keeps the code as it was when this began, as far as it is loaded.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        running = {pool.submit(made, search): search for search in wanted}
        for done, future in enumerate(as_completed(running), start=1):
            search = running[future]
            record, problem_text = future.result()
            if record is None:
                broken += 1
                print(f"\n{search} broke:\n{problem_text}", flush=True)
            else:
                ours = search.peer.startswith("luthier:")
                record["code"] = code if ours else ""
                results.append(record, folder if ours else results.TRACKED)
            show_progress(done, len(wanted), began, search)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(
        f"made {len(wanted) - broken} searches in {time.monotonic() - began:.0f} s, {broken} broke",
        flush=True,
    )
    return 1 if broken else 0


def made(search: Search) -> tuple[dict[str, Any] | None, str]:
    """The record of one search, or what broke it."""
    problem = all_problems()[search.problem]
    try:
        found = play(problem, search.peer, search.seed, search.budget)
    except Exception:  # noqa: BLE001  a peer that breaks is a finding, not our end
        return None, traceback.format_exc(limit=-4)
    named = {**search._asdict(), "digest": problem.digest}
    return {**named, **found, "numpy": importlib.metadata.version("numpy")}, ""


def show_progress(done: int, total: int, began: float, search: Search) -> None:
    """One line that is written over on a terminal, and a line now and then elsewhere."""
    left = (time.monotonic() - began) / done * (total - done)
    line = f"{done}/{total}  about {left:.0f} s to go  {search.peer} {search.problem} seed {search.seed}"
    if sys.stderr.isatty():
        print(f"\r{line:<100.100}", end="", file=sys.stderr, flush=True)
    elif done % max(1, total // 20) == 0:
        print(line, flush=True)

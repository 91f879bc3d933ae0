"""Several objectives at once: the hypervolume reached on the ZDT and DTLZ problems, beside Optuna's default and random.

    python bench/several.py run [--peers luthier-auto optuna random] [--problems ZDT1 …] [--seeds 10] [--jobs 2]
    python bench/several.py table [--code DIGEST]

What is there already is not run again: every search is a line of JSON in `bench/several_results`, one file a peer; while
Luthier's code is being changed its lines go by the digest of its search. Optuna's default is whatever `create_study` takes
for several directions; for constraints it is the same with the constraints told. A search has 200 trials, one after the
other, and its front is measured after 50, 100 and 200. The table says how much of the hypervolume of the true front is
missing, under the reference that the literature uses and under a tight one, a tenth of its width beyond the front. Exit code 1
where Luthier misses more than Optuna at 200 trials.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.quality.sources import code_digest
from bench.several_problems import PROBLEMS, Problem
from luthier.description import Algorithm
from luthier.history import History
from luthier.search import searcher
from luthier.search.pareto import front_of, hypervolume
from luthier.trial import Outcome, Result, Trial, TrialState, trial_seed

RESULTS = Path(__file__).parent / "several_results"
BUDGET = 200
MARKS = (50, 100, 200)
PEERS = ("luthier-auto", "optuna", "random")
Ask = Callable[[], Sequence[float]]
Tell = Callable[[Sequence[float], Sequence[float]], None]


class Search(NamedTuple):
    """One search that is to be made, or was."""

    peer: str
    problem: str
    seed: int


def luthier_search(problem: Problem, seed: int, algorithm: str) -> tuple[Ask, Tell]:
    """Luthier, driven as its engine drives it, on a record that is kept in memory."""
    made = searcher(Algorithm(algorithm))
    trials: list[Trial] = []
    history = History(
        maximize=False,
        target=BUDGET,
        objectives=("minimize",) * problem.objectives,
        constraints=problem.constraints,
    )

    def ask() -> Sequence[float]:
        number = len(trials) + 1
        seen = history._replace(revision=2 * len(trials), trials=tuple(trials))
        began = time.perf_counter()
        [proposal] = made.propose(problem.space, seen, seed, [number])
        proposal = proposal._replace(seen=seen.revision, seconds=time.perf_counter() - began)
        trials.append(
            Trial(
                experiment=seed,
                number=number,
                run_id=number,
                state=TrialState.RUNNING,
                configuration=proposal.configuration,
                attempt=1,
                seed=trial_seed(seed, number),
                proposal=proposal,
                result=None,
                created=0.0,
                began=0.0,
                ended=None,
                revision=2 * number - 1,
            )
        )
        values = proposal.configuration.values()
        return [float(values[name]) for name in problem.space.dimensions]

    def tell(losses: Sequence[float], excesses: Sequence[float]) -> None:
        result = Result(
            Outcome.SUCCEEDED,
            "",
            value=losses[0],
            seconds=60.0,
            values=tuple(losses),
            constraints=tuple(excesses),
        )
        trials[-1] = trials[-1]._replace(
            state=TrialState.FINISHED, result=result, revision=2 * len(trials), ended=60.0
        )

    return ask, tell


def optuna_search(problem: Problem, seed: int, sampler: str) -> tuple[Ask, Tell]:
    """Optuna's study, with the sampler that it takes by itself unless another is named."""
    import warnings

    import optuna

    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    told = {"constraints_func": lambda trial: trial.user_attrs["excesses"]} if problem.constraints else {}
    makers = {
        "optuna": optuna.samplers.TPESampler,
        "optuna-nsga2": optuna.samplers.NSGAIISampler,
        "optuna-gp": optuna.samplers.GPSampler,
    }
    own = type(optuna.create_study(directions=["minimize"] * 2).sampler)
    assert own is makers["optuna"], f"Optuna's default is {own.__name__} now"
    study = optuna.create_study(
        directions=["minimize"] * problem.objectives, sampler=makers[sampler](seed=seed, **told)
    )
    open_trials = []

    def ask() -> Sequence[float]:
        trial = study.ask()
        open_trials.append(trial)
        return [trial.suggest_float(f"x{j}", low, high) for j, (low, high) in enumerate(problem.bounds)]

    def tell(losses: Sequence[float], excesses: Sequence[float]) -> None:
        open_trials[-1].set_user_attr("excesses", tuple(excesses))
        study.tell(open_trials[-1], list(losses))

    return ask, tell


def play(search: Search) -> dict[str, Any]:
    """The record of one search: the front after each mark, and the middle proposal's seconds."""
    problem = PROBLEMS[search.problem]
    if search.peer.startswith("optuna"):
        ask, tell = optuna_search(problem, search.seed, search.peer)
    else:
        ask, tell = luthier_search(problem, search.seed, search.peer.removeprefix("luthier-"))
    spent: list[float] = []
    found: list[list[float]] = []
    feasible = 0
    fronts = {}
    for trial in range(1, BUDGET + 1):
        began = time.perf_counter()
        x = ask()
        took = time.perf_counter() - began
        losses, excesses = problem.evaluate(np.array(x))
        began = time.perf_counter()
        tell(losses, excesses)
        spent.append(took + time.perf_counter() - began)
        if all(e <= 0 for e in excesses):
            feasible += 1
            found.append(losses)
        if trial in MARKS:
            fronts[str(trial)] = [found[i] for i in front_of(np.array(found)).tolist()] if found else []
    return {
        **search._asdict(),
        "code": code_digest() if search.peer.startswith("luthier") else "",
        "optuna": importlib.metadata.version("optuna") if search.peer.startswith("optuna") else "",
        "fronts": {mark: [[float(f"{v:.6g}") for v in row] for row in rows] for mark, rows in fronts.items()},
        "feasible": feasible,
        "p50": float(f"{statistics.median(spent):.3g}"),
        "p95": float(f"{sorted(spent)[int(0.95 * len(spent))]:.3g}"),
    }


def load(peer: str, code: str = "") -> dict[Search, dict[str, Any]]:
    """The searches of a peer that were made; Luthier's with the present code or the one named."""
    path = RESULTS / f"{peer}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    records = [json.loads(line) for line in lines if line.endswith("}")]
    if peer.startswith("luthier"):
        wanted = records[-1]["code"] if code == "last" and records else code or code_digest()
        records = [r for r in records if r["code"] == wanted]
    return {Search(r["peer"], r["problem"], r["seed"]): r for r in records}


def run(wanted: Sequence[Search], jobs: int) -> None:
    """Makes the searches and keeps each as soon as it is made."""
    RESULTS.mkdir(exist_ok=True)
    code_digest()
    began = time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        futures = [pool.submit(play, search) for search in wanted]
        for done, future in enumerate(as_completed(futures), start=1):
            record = future.result()
            with (RESULTS / f"{record['peer']}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, separators=(",", ":")) + "\n")
            if done % max(1, len(wanted) // 20) == 0 or done == len(wanted):
                print(f"{done}/{len(wanted)} after {time.monotonic() - began:.0f} s", flush=True)


@cache
def best_volume(problem: str, tight: bool) -> float:
    """The hypervolume of the true front."""
    return PROBLEMS[problem].best_volume(tight)


def missing(record: dict[str, Any], mark: int, tight: bool) -> float:
    """The share of the true front's hypervolume that a search has not found after so many trials."""
    problem = PROBLEMS[record["problem"]]
    rows = np.array(record["fronts"][str(mark)]).reshape(-1, problem.objectives)
    return 1.0 - hypervolume(rows, problem.reference(tight)) / best_volume(problem.name, tight)


def table(peers: Sequence[str], problems: Sequence[str], code: str) -> int:
    """Prints what is missing on each problem, and how much less Luthier misses than Optuna; 1 when it does not."""
    found = {peer: load(peer, code) for peer in peers}
    worse = 0
    for tight in (False, True):
        print(f"\nmissing hypervolume, {'tight' if tight else 'usual'} reference: mean over seeds")
        head = [f"{peer} {mark}" for peer in peers for mark in MARKS]
        print(f"{'':9}" + "".join(f"{word[-16:]:>17}" for word in head) + f"{'Optuna/ours':>13}  seeds won")
        for name in problems:
            of = {peer: {s.seed: r for s, r in found[peer].items() if s.problem == name} for peer in peers}
            seeds = sorted(set.intersection(*(set(records) for records in of.values())))
            if not seeds:
                continue
            shown = {
                (peer, mark): [missing(of[peer][seed], mark, tight) for seed in seeds]
                for peer in peers
                for mark in MARKS
            }
            cells = "".join(f"{statistics.mean(shown[p, m]):17.5g}" for p in peers for m in MARKS)
            verdict = ""
            if "optuna" in peers and peers[0] != "optuna":
                ours, theirs = shown[peers[0], BUDGET], shown["optuna", BUDGET]
                ratio = statistics.mean(theirs) / max(statistics.mean(ours), 1e-12)
                won = sum(a < b for a, b in zip(ours, theirs, strict=True))
                verdict = f"{ratio:13.3g}  {won}/{len(seeds)}"
                worse += not tight and ratio < 1.0
            print(f"{name:9}{cells}{verdict}")
    for peer in peers:
        taken = [record["p50"] for record in found[peer].values()]
        if taken:
            print(f"{peer}: a proposal takes {1000 * statistics.median(taken):.1f} ms in the middle")
    return 1 if worse else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("run", "table", "all"), nargs="?", default="table")
    parser.add_argument("--peers", nargs="+", default=PEERS)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--code", default="last", help="a digest of Luthier's search, or `last`")
    given = parser.parse_args()
    if given.what != "table":
        there = {search for peer in given.peers for search in load(peer)}
        every = [
            Search(peer, problem, seed)
            for seed in range(1, given.seeds + 1)
            for problem in given.problems
            for peer in given.peers
        ]
        run([search for search in every if search not in there], given.jobs)
    return 0 if given.what == "run" else table(given.peers, given.problems, given.code)


if __name__ == "__main__":
    raise SystemExit(main())

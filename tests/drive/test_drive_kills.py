"""Drivers and workers that are really killed with -9, over and over, and what they must not lose."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from drive_shop import Shop, until

from luthier.testing.faults import count_commits, die_at_commit, fork, scaled, wait
from luthier.testing.faults import record as tell

pytestmark = [pytest.mark.fault, pytest.mark.timeout(scaled(300, 3600))]

SPACES = {
    "grid": ("grid", "--param", "a=1:20:linear:int", "--param", "b=1,2"),
    "random": (
        "random",
        "--seed",
        "7",
        "--num-runs",
        "40",
        "--param",
        "a=.001:1.0:log",
        "--param",
        "b=1:9:linear:int",
    ),
    "sobol": (
        "random",
        "--seed",
        "7",
        "--sequence",
        "sobol",
        "--num-runs",
        "40",
        "--param",
        "a=.001:1.0:log",
        "--param",
        "b=1:9:linear:int",
    ),
}


def assert_clean(found: dict[str, int]) -> None:
    assert found == dict.fromkeys(found, 0), found


# ---------------------------------------------------------------------- the issue's own example


@pytest.mark.parametrize("seed", range(3))
def test_ten_runs_killed_twice_are_exactly_ten_and_none_runs_twice(shop: Shop, seed: int) -> None:
    """The moments are drawn by what has been seen to run; each kill finds at least one trial running."""
    shop.program('echo "loss: $1"; while [ ! -e "$PROJECT/go$LUTHIER_TRIAL" ]; do sleep .01; done')
    draw = random.Random(seed)
    command = ("random", "--num-runs", "10", "-r", "2", "--param", "x=0.0:1.0", "--metric", "loss", "--minimize",
               "--", "sh", "train.sh", ":x:")  # fmt: skip

    def release(number: int) -> None:
        (shop.root / f"go1.{number}").touch()

    driver, released = shop.start(*command), 0
    for moment in sorted(draw.sample(range(8), 2)):
        while released < moment:
            released += 1
            shop.until_runs(released)
            release(released)
        shop.until_runs(moment + 1)
        running = {number for number, _ in shop.runs()} - set(range(1, released + 1))
        assert running
        assert shop.kill(driver)
        before = adopted(shop)
        driver = shop.start(*command)
        wanted = before + Counter(running)
        until(lambda wanted=wanted: wanted <= adopted(shop), f"{running} are adopted")
    for number in range(released + 1, 11):
        shop.until_runs(number)
        release(number)
    said = shop.end(driver)
    found = shop.audit(10)
    runs = shop.runs()
    assert sorted(number for number, _ in runs) == list(range(1, 11)), "each ran exactly once"
    assert shop.record().succeeded == 10 and "goes on" in said.stderr
    tell("ten runs, two kills", seed=seed, trials=10, runs=len(runs), **found)
    assert_clean(found)


def adopted(shop: Shop) -> Counter[int | None]:
    """How often each trial was adopted."""
    with shop.store() as store:
        return Counter(event.trial for event in store.events(experiment=1) if event.kind == "adopted")


# ---------------------------------------------------------------------- F2


@pytest.mark.parametrize("algorithm", sorted(SPACES))
def test_f2_a_command_line_killed_at_random_moments_ends_as_if_it_never_was(
    shop: Shop, algorithm: str
) -> None:
    shop.program('echo "loss: $1"; sleep .0$2')
    command = (
        *SPACES[algorithm],
        "-r",
        "2",
        "--metric",
        "loss",
        "--minimize",
        "--",
        "sh",
        "train.sh",
        ":a:",
        ":b:",
    )
    draw, wanted, kills, searches = random.Random(algorithm), scaled(17, 334), 0, 0
    shop.run(*command)
    golden = shop.configurations(1)
    assert len(golden) == 40
    totals: dict[str, int] = {}
    while kills < wanted:
        shop.runs_file.unlink()
        searches += 1
        number = searches + 1
        words = (command[0], "--new", *command[1:])
        while True:
            killed = shop.kill(shop.start(*words), draw.uniform(0.05, 0.45))
            kills += killed
            with shop.store() as store:
                known = [r.id for r in store.experiments()]
            if number in known:
                words = command
                if not killed or kills >= wanted:
                    break
        shop.run(*command)
        for name, count in shop.audit(40, number).items():
            totals[name] = totals.get(name, 0) + count
        totals["differing"] = totals.get("differing", 0) + (shop.configurations(number) != golden)
    tell("F2", algorithm=algorithm, kills=kills, searches=searches, **totals)
    assert_clean(totals)


# ---------------------------------------------------------------------- F3


def test_f3_a_driver_that_dies_at_any_of_its_commits_loses_nothing(shop: Shop, monkeypatch: Any) -> None:
    """Real processes: the search of 6 trials dies right before or after each durable commit, then runs again."""
    from luthier.cli import main

    shop.program('echo "loss: $1"; sleep .06')  # long enough that results are not gathered into one commit
    monkeypatch.chdir(shop.root)
    for name, value in shop.env.items():
        monkeypatch.setenv(name, value)
    command = ["grid", "-r", "1", "-q", "--param", "x=1,2,3,4,5,6", "--metric", "loss", "--minimize",
               "--", "sh", "train.sh", ":x:"]  # fmt: skip
    counts = Path(shop.root, "counts")

    def quiet() -> None:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)

    def counted() -> None:
        quiet()
        with count_commits() as found:
            assert main(command) == 0
        counts.write_text(str(found[0]))

    def goes_on(words: list[str]) -> None:
        quiet()
        assert main(words) == 0

    assert wait(fork(counted)) == 0
    commits = int(counts.read_text())
    assert commits >= 6
    totals: dict[str, int] = {}
    kills = 0
    for place in range(1, commits + 1):
        for moment in ("before", "after"):
            shop.runs_file.unlink(missing_ok=True)
            fresh = [command[0], "--new", *command[1:]]
            before = len_experiments(shop)

            def dies(place: int = place, moment: Any = moment, fresh: list[str] = fresh) -> None:
                quiet()
                with die_at_commit(place, moment):
                    main(fresh)

            kills += wait(fork(dies)) == -9
            made = len_experiments(shop) > before
            assert wait(fork(lambda words=command if made else fresh: goes_on(words))) == 0
            for name, count in shop.audit(6, before + 1).items():
                totals[name] = totals.get(name, 0) + count
    tell("F3", commits=commits, kills=kills, **totals)
    assert kills >= 2 * commits - 4, "the commits differ a little from run to run"
    assert_clean(totals)


def len_experiments(shop: Shop) -> int:
    with shop.store() as store:
        return len(store.experiments())


# ---------------------------------------------------------------------- F13 and F14


def test_f13_two_workers_and_a_driver_make_exactly_the_trials_that_were_asked_for(shop: Shop) -> None:
    shop.program('echo "loss: $1"; sleep .01')
    command = ("random", "--num-runs", "60", "-r", "2", "--param", "x=0.0:1.0", "--metric", "loss", "--minimize",
               "--", "sh", "train.sh", ":x:")  # fmt: skip
    driver = shop.start(*command)
    shop.until_runs(1)
    workers = [shop.start("worker", "1", "-r", "2") for _ in range(2)]
    for process in (driver, *workers):
        shop.end(process)
    found, record = shop.audit(60), shop.record()
    with shop.store() as store:
        hands = {store.attempts(1, n)[0].worker for n in range(1, 61)}
    tell("F13", workers=3, asked=60, finished=record.finished, rows=record.trials, worked=len(hands), **found)
    assert record.trials == record.succeeded == 60 and len(shop.runs()) == 60
    assert len(set(shop.configurations())) == 60
    assert_clean(found)


def test_f14_a_grid_under_fire_gives_each_point_exactly_once(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    command = ("grid", "-r", "2", "-q", "--param", "a=1:25:linear:int", "--param", "b=1:20:linear:int",
               "--metric", "loss", "--minimize", "--", "sh", "train.sh", ":a:", ":b:")  # fmt: skip
    draw, wanted = random.Random(14), scaled(50, 450)
    kills = {"driver": 0, "worker": 0}
    words = {"driver": command, "worker": ("worker", "1", "-q", "-r", "1")}
    living = {"driver": shop.start(*command)}
    shop.until_runs(1)
    for place in sorted(draw.sample(range(2, 480), wanted)):
        for name in words:
            if name not in living or living[name].poll() is not None:
                living[name] = shop.start(*words[name])
        shop.until_runs(place)
        victim = draw.choice(("driver", "driver", "worker"))
        kills[victim] += shop.kill(living.pop(victim), draw.uniform(0.0, 0.05))
    if "driver" not in living:
        living["driver"] = shop.start(*command)
    for process in living.values():
        shop.end(process)
    shop.run(*command)
    found = shop.audit(500)
    points = shop.configurations()
    tell("F14", points=500, **kills, runs=len(shop.runs()), doubled=500 - len(set(points)), **found)
    assert len(points) == len(set(points)) == 500 and shop.record().succeeded == 500
    assert sum(kills.values()) >= wanted * 4 // 5
    assert_clean(found)

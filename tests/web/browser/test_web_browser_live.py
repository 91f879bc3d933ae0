"""A search that really runs, seen and steered from a real browser: what happens is on the page by itself, every control does
what it says, and the events tell who did it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from drive_shop import Shop, until
from web_scene import serving

from luthier.store import Store, open_store
from luthier.trial import Outcome, TrialState

PROGRAM = """\
while [ ! -e "$PROJECT/end-${LUTHIER_TRIAL%.*}" ] && [ ! -e "$PROJECT/end-$LUTHIER_TRIAL" ]; do
  n=$((n+1)); echo "line $n of $LUTHIER_TRIAL"; echo "loss: 0.$n"; sleep 0.1
done
[ ! -e "$PROJECT/bad-$LUTHIER_TRIAL" ] || { echo "it went wrong" >&2; exit 3; }
echo "loss: 0.5"
"""
LINES = "document.querySelectorAll('.log pre > div').length"
POINTS = "Number(document.querySelector('.trial-page .figure canvas')?.ariaLabel.match(/([\\d,]+) points?/)?.[1] ?? 0)"
_seeds = count(1)


class Search:
    """A search whose trials write until they are told to end."""

    def __init__(self, shop: Shop, store: Store, tab: Any, e: int) -> None:
        self.shop, self.store, self.tab, self.e = shop, store, tab, e

    def end(self, number: int | None = None, *, badly: bool = False) -> None:
        """Lets a trial come to its end, or all of them."""
        name = str(self.e) if number is None else f"{self.e}.{number}"
        if badly:
            (self.shop.root / f"bad-{name}").touch()
        (self.shop.root / f"end-{name}").touch()

    def told(self, *texts: str) -> None:
        """Waits until the events on the page say all of it."""
        self.tab.go(f"#/{self.e}/events", ".events")
        for text in texts:
            self.tab.sees(".events", text)

    def record(self) -> Any:
        return self.store.experiment(self.e)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A folder with a program."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    made.program(PROGRAM)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shown(shop: Shop, tab: Any) -> Iterator[Store]:
    """The page of that folder's record in the tab, which may control; and the record."""
    store = open_store(shop.root / ".luthier")
    with serving(shop.root / ".luthier", real_page=True, may_control=True) as client:
        tab("open", address=client.dashboard.new_address())
        tab.until("document.querySelector('.line.live') !== null")
        yield store
    store.close()


@pytest.fixture
def search(shop: Shop, shown: Store, tab: Any) -> Iterator[Search]:
    """A search of its own, two of whose trials run."""
    known = {record.id for record in shown.experiments()}
    driver = shop.start(
        *("random", "--seed", str(next(_seeds)), "--num-runs", "6", "-r", "2", "--param", "x=0.0:1.0"),
        *("--metric", "loss", "--minimize", "--grace", "1s", "--", "sh", "train.sh", ":x:"),
    )
    until(
        lambda: (
            driver.poll() is not None
            or any(record.running == 2 for record in shown.experiments() if record.id not in known)
        ),
        "two trials run",
    )
    assert driver.poll() is None, driver.communicate()
    made = Search(shop, shown, tab, max(record.id for record in shown.experiments()))
    tab("said")
    yield made
    said = tab("said")
    made.end()
    shop.kill(driver)
    assert said == [], said


def test_a_log_and_its_curve_grow_before_ones_eyes(search: Search, tab: Any) -> None:
    tab.go(f"#/{search.e}.1", ".log pre > div")
    tab.sees(".log pre", f"of {search.e}.1")
    seen, drawn = tab("look", script=LINES), tab("look", script=POINTS)
    tab("look", script="window.shift = 0")
    tab.until(f"{LINES} > {seen} + 4 && {POINTS} > {drawn} + 2")
    tab.until(
        "(({ scrollTop, clientHeight, scrollHeight }) => scrollTop + clientHeight > scrollHeight - 30)"
        "(document.querySelector('.log pre'))"
    )
    assert tab("look", script="window.shift") < 0.1, tab("look", script="window.shifted")
    search.end(1)
    tab.sees(".strip .standing", "succeeded")
    tab.sees(".strip", "0.5")


def test_everything_moves_by_itself_and_nothing_around_it(search: Search, tab: Any) -> None:
    for view, ready in {
        "": ".table .body .row",
        "/trials": ".table .body .row",
        "/curves": ".figure canvas",
        "/timeline": ".figure canvas",
        "/facets": ".figure canvas",
    }.items():
        tab.go(f"#/{search.e}{view}", ready)
        tab.settle()
        tab("look", script="(window.shift = 0, window.shifted = [])")
        before = tab.text(".counts")
        running = next(
            trial.number for trial in search.store.trials(search.e) if trial.state is TrialState.RUNNING
        )
        search.end(running)
        tab.until(f"document.querySelector('.counts').innerText !== {json.dumps(before)}")
        tab.settle()
        assert tab("look", script="window.shift") < 0.1, tab("look", script="window.shifted")
        moved = tab("look", script="window.shifted.filter((one) => /row|table|cell/.test(one))")
        assert moved == [], view


def test_pause_and_its_undo_and_going_on(search: Search, tab: Any) -> None:
    tab.go(f"#/{search.e}", ".controls")
    tab.press_button("Pause")
    tab.sees(".toast", "is paused")
    tab.sees(".strip .standing", "paused")
    tab.press_button("Undo", f".toast:has-text('experiment {search.e} is paused')")
    tab.sees(".strip .standing", "running")
    tab.press_button("Pause")
    tab.sees(".strip .standing", "paused")
    tab.press_button("Go on")
    tab.sees(".strip .standing", "running")
    search.told("paused by the dashboard", "resumed by the dashboard")


def test_another_target_and_a_configuration_of_ones_own(search: Search, tab: Any) -> None:
    tab.go(f"#/{search.e}", ".controls")
    tab.press_button("Target…")
    tab("fill", selector=".controls input", text="9")
    tab.press_button("Set")
    tab.sees(".progress", "of 9")
    assert search.record().target == 9
    tab.press_button("Undo", f".toast:has-text('experiment {search.e} now has')")
    tab.sees(".progress", "of 6")
    tab.press_button("Enqueue…")
    tab("fill", selector="dialog[open] input", text="0.125")
    tab.press_button("Enqueue", "dialog[open]")
    tab.until("document.querySelector('dialog[open]') === null")
    search.end(1)
    until(
        lambda: (
            ["0.125"]
            in [
                list(t.configuration.texts().values())
                for t in search.store.trials(search.e)
                if t.configuration and t.began
            ]
        )
    )
    search.told("its target is now 9 trials", "its target is now 6 trials", "added by a person")


def test_one_trial_is_stopped_killed_and_tried_again(search: Search, tab: Any) -> None:
    for number, verb, outcome in ((1, "Stop", Outcome.STOPPED), (2, "Kill", Outcome.KILLED)):
        tab.go(f"#/{search.e}.{number}", ".log pre > div")
        tab.press_button(verb, ".strip")
        tab.press_button("No, leave it", "dialog[open]")
        tab.press_button(verb, ".strip")
        tab.press_button(verb, "dialog[open]")
        tab.sees(".strip .standing", outcome.value)
        result = search.store.trial(search.e, number).result
        assert result is not None and result.outcome is outcome and "dashboard" in result.reason
    tab.press_button("Retry", ".strip")
    tab.press_button("Try again", "dialog[open]")
    tab.sees(".strip .standing", "queued")
    search.end(3)  # and makes room for it
    until(lambda: search.store.trial(search.e, 2).attempt == 2, "the second attempt begins")
    tab.sees(".trial-page", "2 attempts")
    search.told("trial 1 stopped", "trial 2 killed", "trial 2 was queued for another attempt")


def test_what_failed_is_tried_again(search: Search, tab: Any) -> None:
    search.end(1, badly=True)
    tab.go(f"#/{search.e}", ".controls")
    tab.sees(".counts", "1 failed")
    tab.press_button("Retry failed")
    tab.press_button("Try again", "dialog[open]")
    tab.sees(".toasts", "1 trial queued")
    search.end(2)  # and makes room for it
    until(lambda: search.store.trial(search.e, 1).attempt == 2, "the second attempt begins")
    search.told("trial 1 failed", "trial 1 was queued for another attempt")


def test_a_search_is_stopped_goes_on_and_is_killed(search: Search, tab: Any) -> None:
    tab.go(f"#/{search.e}", ".controls")
    tab.press_button("Stop")
    tab.press_button("Stop", "dialog[open]")
    tab.sees(".strip .standing", "stopped")
    until(lambda: not search.record().running, "its trials ended")
    assert {t.result.outcome for t in search.store.trials(search.e) if t.result} == {Outcome.STOPPED}
    tab.press_button(
        "Undo", f".toast:has-text('experiment {search.e} is stopped')"
    )  # in the background, for its command ended with it
    tab.sees(".strip .standing", "running")
    until(lambda: search.record().running == 2, "two more run")
    tab.press_button("Kill")
    tab.press_button("Kill", "dialog[open]")
    until(lambda: not search.record().running, "its trials ended")
    assert Outcome.KILLED in {t.result.outcome for t in search.store.trials(search.e) if t.result}
    search.told("stopped by the dashboard", "resumed by the dashboard", "killed by the dashboard")

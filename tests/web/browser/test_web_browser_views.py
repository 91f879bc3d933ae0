"""The page in a real browser: it shows what the record has as it changes, one filter goes for all, and nothing goes wrong
unseen. What each view looks like is `test_web_browser_pictures.py`."""

from __future__ import annotations

import threading
from typing import Any

from web_scene import Client, Scene, serving

from luthier.description import Objective
from luthier.space import Categorical, Configuration, Float, Parameter, Space
from luthier.testing.store_scene import describe, ended, points
from luthier.trial import Outcome, Proposal
from luthier.web.page import read_page
from luthier.web.serving import Dashboard, Settings

HOSTILE = "<img src=x onerror=alert(1)>\"'</script>"


def search(scene: Scene, trials: int = 24) -> int:
    """A search with two goals, all kinds of ends, and names that would do harm as markup."""
    space = Space([Parameter("rate", Float(0.001, 1.0)), Parameter(HOSTILE, Categorical.of(["a", HOSTILE]))])
    goals = (Objective("loss"), Objective("size"))
    what = describe(trials + 4, name=HOSTILE)._replace(space=space, objective=goals[0], also=goals[1:])
    e = scene.store.open_experiment(what, fresh=True)[0].id
    for k in range(trials):
        add(scene, e, k)
    return e


def add(scene: Scene, e: int, k: int, *, finish: bool = True) -> Any:
    """One trial more: good, stopped, failed, or without a number."""
    nonce, [reserved] = scene.reserve(e, 1)
    values = Configuration({"rate": (k + 1) / 100, HOSTILE: HOSTILE if k % 2 else "a"})
    scene.store.propose(e, nonce, [(reserved.number, Proposal(values, "random", reserved.ordinal))])
    [claim] = scene.claim(e)
    scene.store.report(claim.id, 0, points(1.0, 0.9 - k / 100, float("nan") if k == 3 else 0.5))
    if finish and k % 7 == 5:
        scene.store.finish(claim.id, ended(None, Outcome.FAILED, HOSTILE))
    elif finish:
        value = 0.8 - k / 50
        result = ended(value, Outcome.STOPPED if k % 5 == 4 else Outcome.SUCCEEDED)._replace(
            values=(value, 10.0 + k)
        )
        scene.store.finish(claim.id, result)
    return claim.id


def test_what_happens_is_seen_and_moves_nothing(scene: Scene, shown: Client, tab: Any) -> None:
    e = search(scene, 6)
    tab.go(f"#/{e}", ".table .body .row")
    tab.until("document.querySelectorAll('.table .body .row').length === 6")
    tab("fill", selector=".filter input", text="rate:0.02..")
    tab.settle()  # what it moves while it opens is another matter
    tab("look", script="window.shifted = []")
    running = add(scene, e, 6, finish=False)
    tab.until(
        "[...document.querySelectorAll('.standing')].some((one) => one.innerText === 'running' && one.closest('.row'))"
    )
    scene.store.finish(running, ended(0.95)._replace(values=(0.95, 1.0)))
    tab.until(f"document.querySelector('.fact.best').innerText.includes('trial {running.trial}')")
    tab.until("document.title.startsWith('7/')")
    assert tab("look", script="document.querySelector('.filter input').value") == "rate:0.02.."
    # A kind of trial that there was none of takes its place among the counts.
    shifted = tab("look", script="window.shifted.filter((one) => !one.startsWith('LI '))")
    assert not shifted, "\n".join(shifted)


def test_it_goes_on_after_the_server_was_away(scene: Scene, tab: Any) -> None:
    """The tab that was open goes on by itself, with what it missed, and keeps what was chosen in it."""
    e = search(scene, 3)
    with serving(scene.folder, real_page=True) as first:
        port = first.port
        tab("open", address=first.dashboard.new_address())
        tab.go(f"#/{e}/trials", ".table .body .row")
        tab("fill", selector=".filter input", text="rate:0.01..")
    tab.until("document.querySelector('.line.waiting') !== null")
    add(scene, e, 3)
    again = Dashboard(scene.folder, Settings(port=port), lambda _: None, read_page())
    is_up = threading.Event()
    thread = threading.Thread(target=again.run, args=(is_up.set,), daemon=True)
    thread.start()
    try:
        assert is_up.wait(30)
        tab.until("document.querySelectorAll('.table .body .row').length === 4")
        tab.until("document.querySelector('.line.live') !== null")
        assert tab("look", script="document.querySelector('.filter input').value") == "rate:0.01.."
    finally:
        again.stop()
        thread.join(30)
    tab("said")  # a browser tells of connections that failed


def test_one_filter_for_all(scene: Scene, shown: Client, tab: Any) -> None:
    e = search(scene)
    tab.go(f"#/{e}", ".table .body .row")
    tab("fill", selector=".filter input", text="state:failed")
    tab.until("document.querySelector('.table-tools').innerText.includes('Showing 3 of 24')")
    tab("click", selector=".chip")
    box = tab("box", selector=".figure canvas")
    left, top, wide, tall = box["x"] + 70, box["y"] + 14, box["width"] - 100, box["height"] - 80
    tab("drag", **{"from": [left, top], "to": [left + wide / 2, top + tall]})
    tab.until("/trial:\\d+\\.\\.\\d+/.test(document.querySelector('.filter input').value)")
    shown_rows = tab.text(".table-tools")
    assert "Showing 24 of" not in shown_rows
    tab("press", key="Escape")
    link = tab("look", script="location.href")
    tab("open", address=link)
    tab.until("document.querySelector('.table-tools') !== null")
    assert tab.text(".table-tools") == shown_rows


def test_keys_walk_and_open(scene: Scene, shown: Client, tab: Any) -> None:
    e = search(scene, 5)
    tab.go(f"#/{e}/trials", ".table .body .row")
    for key in "jj":
        tab("press", key=key)
    tab.until("document.querySelector('.row.chosen a')?.innerText.startsWith('4')")
    tab("press", key="Enter")
    tab.until(f"location.hash.startsWith('#/{e}.4')")
    tab("press", key="u")
    tab.until(f"location.hash.startsWith('#/{e}') && !location.hash.includes('.')")
    tab("press", key="?")
    tab.until("document.querySelector('dialog[open]') !== null")
    tab("press", key="Escape")
    tab.until("document.querySelector('dialog[open]') === null")
    tab("press", key="/")
    tab.until("document.activeElement.type === 'search'")


def test_what_is_shown_can_be_taken_along(scene: Scene, shown: Client, tab: Any) -> None:
    e = search(scene, 5)
    tab.go(f"#/{e}", ".table .body .row")
    table = tab("download", selector="button:text-is('Save CSV')")
    assert len(table["text"].splitlines()) == 6
    tab("click", selector=".figure .menu summary")
    picture = tab("download", selector=".figure button:text-is('Save as SVG')")
    assert picture["text"].startswith("<svg") and "<script" not in picture["text"]


def test_controls_ask_do_and_undo(scene: Scene, shown: Client, tab: Any) -> None:
    e = search(scene, 6)
    tab.go(f"#/{e}", ".controls")
    tab("click", selector="button:text-is('Stop')")
    tab("click", selector="dialog[open] button:text-is('No, leave it')")
    assert not scene.store.newest_wish(e)
    tab("click", selector="button:text-is('Stop')")
    tab("click", selector="dialog[open] button.danger")
    tab.until("document.querySelector('.toast.good') !== null")
    wish = scene.store.newest_wish(e)
    assert wish is not None and "dashboard" in wish.detail["reason"]
    tab.until("document.querySelector('.strip .standing').innerText === 'stopped'")
    tab("click", selector=".toast button:text-is('Undo')")
    tab.until("document.querySelector('.strip .standing').innerText !== 'stopped'")
    tab("click", selector="button:text-is('Enqueue…')")
    tab("fill", selector="dialog[open] input", text="0.25")
    tab("click", selector="dialog[open] button.primary")
    tab.until("document.querySelector('dialog[open]') === null")
    assert scene.store.experiment(e).queued == 1
    tab("click", selector="button:text-is('Retry failed')")
    tab("click", selector="dialog[open] button.danger")
    tab.until("[...document.querySelectorAll('.counts li')].some((one) => /[23] queued/.test(one.innerText))")


def test_another_experiment_is_never_told_of_the_one_before(scene: Scene, shown: Client, tab: Any) -> None:
    """What is asked for a moment after news of one experiment comes when another one is open: it is for nobody then."""
    first, second = search(scene, 6), search(scene, 3)
    tab.go(f"#/{first}", ".table .body .row")
    tab.until("document.querySelectorAll('.table .body .row').length === 6")
    add(scene, first, 6)  # whose news the page would ask more about, three seconds later
    tab.until("document.querySelectorAll('.table .body .row').length === 7")
    tab.go(f"#/{second}", ".table .body .row")
    tab.until("document.querySelectorAll('.table .body .row').length === 3")
    since = tab("look", script="performance.now()")
    add(scene, second, 3)  # and so it asks about this one: by then the other's moment is over
    asked = "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/experiments/{}') && one.startTime > {}).length"
    tab.until(f"{asked.format(second, since)} > 0")
    assert tab("look", script=asked.format(first, since)) == 0
    assert tab.text(".strip h1").startswith(f"{second} ")

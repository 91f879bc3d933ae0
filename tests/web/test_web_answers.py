"""What the page asks for beside trials: curves, models, timelines, events, trials, files; and hostile names as data everywhere."""

from __future__ import annotations

import csv
import io
import json
import re
from array import array
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_scene import PAGE, Client, Scene, named

from luthier.testing.store_scene import NAN, ended, points
from luthier.trial import Outcome
from luthier.web.answers import Answers
from luthier.web.curves import thin
from luthier.web.exporting import static_page

HOSTILE = (
    "</script><script>document.title='x'</script>", "<img src=x onerror=alert(1)>", "'\"><svg onload=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}", "javascript:alert(1)", "\u202eevil\u2066", "a\u2028b", "__proto__",
    "constructor", "toString", "; DROP TABLE trial; --", "%s%n${env:HOME}{0}", "<!--", "]]>", "é" * 200, "../../etc/passwd",
)  # fmt: skip


@given(
    st.lists(st.sampled_from([0.0, 1.0, -3.5, 7.25, NAN, inf, -inf]) | st.floats(-9, 9), max_size=400),
    st.integers(4, 60),
)
def test_a_thinned_curve_keeps_its_ends_and_its_peaks(values: list[float], points_wanted: int) -> None:
    steps = array("d", (float(k) for k in range(len(values))))
    thin_steps, thin_values = thin(steps, array("d", values), points_wanted)
    assert [repr(values[int(step)]) for step in thin_steps] == [repr(value) for value in thin_values]
    assert list(thin_steps) == sorted(set(thin_steps))
    assert len(thin_values) <= max(1.5 * points_wanted + 4, points_wanted) or len(values) <= points_wanted
    if values:
        assert {0.0, len(values) - 1.0} <= set(thin_steps)
        finite = [value for value in values if abs(value) < inf]
        kept = [value for value in thin_values if abs(value) < inf]
        if finite:
            assert (min(kept), max(kept)) == (min(finite), max(finite))


def searched(scene: Scene, n: int = 30) -> int:
    """An experiment of which a model can be made."""
    e = scene.open(n)
    scene.queue(e, n)
    for claim in scene.claim(e, n):
        rate = claim.configuration.values()["rate"]
        scene.store.report(claim.id, 0, points(*((rate - 0.01) ** 2 + 1 / (k + 1) for k in range(5))))
        scene.store.finish(claim.id, ended(1 - (1000 * rate / n - 0.4) ** 2 if claim.id.trial % 7 else None))
    return e


def test_what_charts_ask_for(scene: Scene, client: Client) -> None:
    e = searched(scene)
    at = f"/api/experiments/{e}"
    curves = client.get(f"{at}/curves?metric=loss&points=200").json()
    assert curves["trials"] == [*range(1, 31)] and curves["offsets"] == [*range(0, 151, 5)]
    some = client.get(f"{at}/curves?metric=loss&trials=3,5,99,x").json()
    assert some["trials"] == [3, 5] and some["values"] == curves["values"][10:15] + curves["values"][20:25]
    assert client.get(f"{at}/curves?metric=nothing").json()["trials"] == []
    scene.store.retry(e, 4)
    late = client.get(f"{at}/curves?metric=loss&since={curves['revision'] + 1}").json()
    assert late["trials"] == [4] and not late["whole"]
    assert [row["name"] for row in client.get(f"{at}/importance?metric=loss").json()["rows"]] == ["rate"]
    one = client.get(f"{at}/slices?metric=loss&parameter=rate").json()
    assert len(one["x"]) == len(one["mean"]) == len(one["low"]) == len(one["high"]) > 20
    assert len(one["trials"]["number"]) == len(one["trials"]["x"]) > 20 and one["note"] is None
    step = client.get(f"{at}/model?proposal=20&parameter=rate").json()
    assert (step["proposal"], step["of"], step["trial"]) == (20, 30, 20) and step["next"] == 20 / 1024
    for path in (
        "slices?metric=loss&parameter=no",
        "contour?x=rate&y=rate",
        "model?parameter=__proto__",
        "contour?x=a&y=b",
    ):
        assert client.get(f"{at}/{path}").status == 404
    assert client.get(f"{at}/front").json()["goals"] == [{"metric": "loss", "direction": "maximize"}]
    assert client.get("/api/experiments/99/curves?metric=loss").status == 404


def test_the_timeline_puts_what_overlaps_side_by_side(scene: Scene, client: Client) -> None:
    e = scene.open(4)
    scene.queue(e, 4)
    first, second = scene.claim(e, 2, "a")
    third = scene.claim(e, 1, "b")[0]
    scene.store.finish(first.id, ended()._replace(seconds=0.0))
    found = client.get(f"/api/experiments/{e}/timeline").json()
    attempts = found["attempts"]
    assert attempts["trial"] == [1, 2, 3] and attempts["worker"] == ["a", "a", "b"]
    assert attempts["outcome"] == ["succeeded", None, None] and attempts["slot"][2] == 0
    assert found["shown"] == found["trials"] == 3
    scene.store.finish(third.id, ended())
    late = client.get(f"/api/experiments/{e}/timeline?since={found['revision'] + 1}").json()
    assert late["attempts"]["trial"] == [3] and second.id.trial == 2


def test_events_are_paged_backwards(scene: Scene, client: Client) -> None:
    e, other = scene.open(None), scene.open(None)
    for k in range(30):
        scene.queue(e, 1)
        for _ in range(k % 5):
            scene.queue(other, 1)
    all_of = [event.revision for event in scene.store.events(0, e)][::-1]
    seen: list[int] = []
    before = ""
    while len(seen) < len(all_of):
        page = client.get(f"/api/experiments/{e}/events?limit=7{before}").json()["events"]
        assert page
        seen += [event["revision"] for event in page]
        before = f"&before={seen[-1]}"
    assert seen == all_of
    assert client.get(f"/api/experiments/{e}/events?limit=7{before}").json()["events"] == []


def test_everything_about_a_trial(scene: Scene, client: Client) -> None:
    e = searched(scene, 3)
    found = client.get(f"/api/trials/{e}.2").json()
    assert found["parameters"] == [{"name": "rate", "text": "0.001953125", "value": 2 / 1024}]
    assert found["variables"] == {"LUTHIER_PARAM_RATE": "0.001953125"} and found["curves"] == ["loss"]
    assert [attempt["outcome"] for attempt in found["attempts"]] == ["succeeded"]
    assert client.get(f"/api/trials/{e}.2/points?metric=loss").json()["steps"] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert client.get(f"/api/trials/{e}.9").status == client.get("/api/trials/9.1").status == 404
    assert client.get(f"/api/trials/{e}.2/points?metric=").json()["steps"] == []


def test_files(scene: Scene, client: Client) -> None:
    e = searched(scene, 3)
    table = client.get(f"/api/experiments/{e}/export.csv")
    assert (
        "attachment" in table.headers["Content-Disposition"]
        and "sandbox" in table.headers["Content-Security-Policy"]
    )
    rows = list(csv.DictReader(io.StringIO(table.body.decode())))
    assert [row["param.rate"] for row in rows] == ["0.0009765625", "0.001953125", "0.0029296875"]
    assert len(client.get(f"/api/experiments/{e}/export.json").json()["trials"]) == 3
    for name in ("export.parquet", "export", "export.csv.gz"):
        assert client.get(f"/api/experiments/{e}/{name}").status == 404


def told(text: str) -> dict[str, Any]:
    """The data inside a static file."""
    found = re.search(r'<script type="application/json" id="luthier-data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    inside: dict[str, Any] = json.loads(found[1])
    return inside


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_data(scene: Scene, client: Client, name: str) -> None:
    """As names of parameters, metrics and experiments, as values and as reasons: what was written comes back, and stays inside
    the JSON of a static file."""
    store = scene.store
    record, _ = store.open_experiment(named(name), fresh=True)
    e, space = record.id, record.description.space
    store.enqueue(e, [space.configuration({name: 0.5, "choice": name})], "n")
    [claim] = scene.claim(e, 1, name)
    store.report(claim.id, 0, points(0.5, metric=name))
    store.finish(claim.id, ended(None, Outcome.FAILED, reason=name))
    about = client.get(f"/api/experiments/{e}").json()
    assert about["name"] == about["goals"][0]["metric"] == about["description"]["space"][0]["name"] == name
    trials = client.get(f"/api/experiments/{e}/trials").json()
    assert trials["parameters"]["choice"] == trials["columns"]["reason"] == [name]
    assert trials["metrics"] == {name: [0.5]}
    sitting = client.dashboard.sitting
    text = static_page(Answers(sitting), PAGE, e).decode()
    inside = told(text)
    assert inside[f"api/experiments/{e}"] == {
        **about,
        "seconds_left": inside[f"api/experiments/{e}"]["seconds_left"],
    }
    assert inside[f"api/experiments/{e}/trials"]["metrics"] == trials["metrics"]
    assert text.count("</script>") == 2 and "<script>document" not in text and "<svg" not in text
    assert client.get(f"/api/experiments/{e}/page.html").status == 200


def test_a_static_file_asks_for_nothing(scene: Scene, client: Client) -> None:
    e = searched(scene)
    text = client.get(f"/api/experiments/{e}/page.html").body.decode()
    assert "default-src 'none'" in text and "src=" not in text and "connect-src" not in text
    digests = re.search(r"script-src '(sha256-[^']+)'", text)
    assert digests is not None and "unsafe" not in text
    inside = told(text)
    for name in ("", "/trials", "/curves", "/importance", "/timeline", "/events", "/front"):
        assert f"api/experiments/{e}{name}" in inside
    assert any(key.startswith(f"api/trials/{e}.") for key in inside)
    assert inside["api/session"]["may_control"] is False and str(scene.folder) not in text

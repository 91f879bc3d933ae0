"""Columns as blocks: the same cells as the lists, whole, in part and of curves; the page's own test reads the same bytes."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from web_scene import Client, Scene, serving

from luthier.testing.fill import fill
from luthier.testing.store_scene import NAN, ended, points
from luthier.trial import AttemptId, Outcome
from luthier.web.buffers import KIND, PARTS, block

KEPT = Path(__file__).parents[2] / "web/test/data"


def opened(body: bytes) -> dict[str, Any]:
    """A block as the document it was made of, whose columns are lists."""
    begin = 4 + int.from_bytes(body[:4], "little")
    head = json.loads(body[4:begin])
    assert begin % 8 == 0
    for part in PARTS:
        head[part] = {name: _cells(body[begin:], told, head["n"]) for name, told in head[part].items()}
    return head


def _cells(body: bytes, told: dict[str, Any], n: int) -> list[Any]:
    cells: list[Any] = [None] * n
    if "numbers" in told:
        assert told["numbers"] % 8 == 0
        cells = [None if x != x else x for x in np.frombuffer(body, "<f8", n, told["numbers"]).tolist()]
    if "codes" in told:
        codes = np.frombuffer(body, f"<u{told['wide']}", n, told["codes"]).tolist()
        cells = [told["words"][code - 1] if code else cell for code, cell in zip(codes, cells, strict=True)]
    return [{np.inf: "inf", -np.inf: "-inf"}.get(x, x) if isinstance(x, float) else x for x in cells]


def test_a_block_is_what_the_page_reads() -> None:
    """The file that the page's test holds against the same lists."""
    assert (
        block(json.loads((KEPT / "columns.json").read_text("utf-8"))) == (KEPT / "columns.block").read_bytes()
    )


def test_a_block_has_the_cells_of_the_lists(scene: Scene, client: Client) -> None:
    e, running = scene.open(40), list[AttemptId]()
    for k in range(40):
        scene.queue(e, 1)
        [claim] = scene.claim(e)
        if k % 5 == 0:
            running.append(claim.id)
            continue
        scene.store.report(
            claim.id, 0, points(1.0, NAN if k % 2 else 0.5, metric="other" if k % 3 else "loss")
        )
        value = (NAN, float("inf"), float("-inf"), 0.1 * k)[k % 4]
        scene.store.finish(
            claim.id, ended(value, reason=f"</script> {k} é") if k % 7 else ended(None, Outcome.FAILED)
        )
    lists = client.get(f"/api/experiments/{e}/trials").json()
    for part in ("", "&part=first"):
        answer = client.get(f"/api/experiments/{e}/trials?form=block{part}")
        assert answer.headers["Content-Type"] == KIND and opened(answer.body) == lists
    again = client.get(f"/api/experiments/{e}/trials?form=block")
    scene.store.finish(running[0], ended(0.5))
    assert again.body != client.get(f"/api/experiments/{e}/trials?form=block").body


def test_curves_in_a_block_are_the_curves(scene: Scene, client: Client) -> None:
    e = scene.open(3)
    for k in range(3):
        scene.store.report(scene.begin(e), 0, points(1.0, NAN, float("inf"), 0.25 * k))
    path = f"/api/experiments/{e}/curves?metric=loss"
    lists, body = client.get(path).json(), client.get(f"{path}&form=block").body
    begin = 4 + int.from_bytes(body[:4], "little")
    head, n = json.loads(body[4:begin]), lists["offsets"][-1]
    for name in ("steps", "values"):
        expected = [float(cell) for cell in lists.pop(name)]
        assert np.array_equal(np.frombuffer(body, "<f8", n, begin + head.pop(name)), expected, equal_nan=True)
    assert head == lists and n == 12


def test_a_part_of_many_has_their_rows(tmp_path: Path) -> None:
    """The newest, the best and others, each as it is in the whole; and how many there are."""
    e = fill(tmp_path / "store.db", 6000, 2)
    with serving(tmp_path) as client:
        part = opened(client.get(f"/api/experiments/{e}/trials?form=block&part=first").body)
        whole = opened(client.get(f"/api/experiments/{e}/trials?form=block").body)
        best = client.get(f"/api/experiments/{e}").json()["best"]["trial"]
    assert not part["whole"] and part["total"] == whole["n"] == 6000 and part["n"] < 3000
    numbers = [int(number) for number in part["columns"]["number"]]
    assert numbers == sorted(set(numbers)) and best in numbers and set(range(5801, 6001)) <= set(numbers)
    assert max(b - a for a, b in pairwise(numbers)) <= 6000 / 1000
    for of in PARTS:
        assert part[of].keys() == whole[of].keys()
        for name, cells in part[of].items():
            assert cells == [whole[of][name][number - 1] for number in numbers], name

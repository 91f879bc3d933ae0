"""What a store promises about points: in order, once, whatever they are called and whatever their values."""

from __future__ import annotations

from math import inf, isnan

import pytest

from luthier.errors import ConflictError
from luthier.space import Configuration
from luthier.store import Verdict, Wish
from luthier.testing.store_scene import NAN, StoreScene, describe, ended, points
from luthier.trial import Outcome, Point

__all__ = ["ReportPromises"]


class ReportPromises(StoreScene):
    """Points, in order, once, and what is kept of them in summaries."""

    def test_points_are_kept_in_order_and_once(self) -> None:
        e = self.open()
        id = self.begin(e)
        sent = points(3.0, 2.0, 1.0)
        assert self.store.report(id, 0, sent[:2]) is Verdict.ACCEPTED
        assert self.store.report(id, 0, sent[:2]) is Verdict.REPEATED
        assert self.store.report(id, 1, sent[1:]) is Verdict.ACCEPTED
        assert self.store.report(id, 0, sent) is Verdict.REPEATED
        assert self.store.report(id, 3, []) is Verdict.REPEATED
        assert self.store.points(e, 1) == sent
        assert self.store.summaries(e, 1)[0].points == 3
        self.store.finish(id, ended())
        assert self.store.report(id, 0, sent) is Verdict.REPEATED
        assert self.store.report(id, 3, sent) is Verdict.STALE
        assert self.store.points(e, 1) == sent

    def test_a_gap_is_refused(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(id, 0, points(1.0))
        with pytest.raises(ConflictError, match="points 1 to 4 are missing"):
            self.store.report(id, 5, points(2.0))
        assert len(self.store.points(e, 1)) == 1

    def test_metrics_are_named_in_the_order_they_appear(self) -> None:
        e = self.open()
        id = self.begin(e)
        names = ["z", "a", "m", "b"]
        self.store.report(id, 0, [Point(name, 1, k, 5.0) for k, name in enumerate(names)])
        assert self.store.metric_names(e) == names
        assert [row.metric for row in self.store.summaries(e, 1)] == names
        assert self.store.points(e, 1, "m") == [Point("m", 1.0, 2.0, 5.0)]
        assert self.store.metric_names(99) == [] and self.store.points(e, 9) == []

    def test_the_last_value_is_that_of_the_highest_step(self) -> None:
        e = self.open()
        id = self.begin(e)
        steps = [(2, 0.2), (5, 0.5), (3, 0.3), (5, 0.55), (4, 0.4)]
        self.store.report(id, 0, [Point("loss", step, value, 0.0) for step, value in steps])
        row = self.store.summaries(e, 1)[0]
        assert (row.points, row.last, row.last_step, row.minimum, row.maximum) == (5, 0.55, 5.0, 0.2, 0.55)
        assert row.total == pytest.approx(1.95) and row.numbers == 5

    def test_nan_is_reported_but_is_no_number(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(id, 0, points(NAN))
        (row,) = self.store.summaries(e, 1)
        assert isnan(row.last) and (row.minimum, row.maximum, row.numbers, row.points) == (None, None, 0, 1)
        self.store.report(id, 1, points(2.0, NAN, 4.0, NAN, step=2.0))
        (row,) = self.store.summaries(e, 1)
        assert isnan(row.last) and (row.minimum, row.maximum, row.total, row.numbers) == (2.0, 4.0, 6.0, 2)
        assert [isnan(point.value) for point in self.store.points(e, 1)] == [True, False, True, False, True]

    def test_infinities_and_great_numbers_add_up_as_floats_do(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(id, 0, points(inf, 1e308, 1e308))
        assert self.store.summaries(e, 1)[0].total == inf
        self.store.report(id, 3, points(-inf, step=4.0))
        (row,) = self.store.summaries(e, 1)
        assert isnan(row.total) and (row.minimum, row.maximum) == (-inf, inf)
        self.store.report(id, 4, points(1.0, step=5.0))
        assert isnan(self.store.summaries(e, 1)[0].total)

    def test_steps_may_be_any_number_and_nan_is_the_first(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(
            id, 0, [Point("loss", NAN, 1, 0.0), Point("loss", -2.5, 2, 0.0), Point("loss", inf, 3, 0.0)]
        )
        assert [point.step for point in self.store.points(e, 1)] == [0.0, -2.5, inf]
        assert self.store.summaries(e, 1)[0].last_step == inf

    def test_a_new_attempt_begins_its_summary_anew(self) -> None:
        e = self.open()
        first = self.begin(e)
        self.store.report(first, 0, points(9.0, 8.0, metric="loss") + points(1.0, metric="old"))
        self.store.finish(first, ended(None, Outcome.LOST), again=True)
        second = self.begin(e)
        assert self.store.report(second, 0, points(5.0)) is Verdict.ACCEPTED
        rows = {row.metric: row for row in self.store.summaries(e, 1)}
        assert (rows["loss"].points, rows["loss"].minimum, rows["loss"].maximum, rows["loss"].last) == (
            1,
            5.0,
            5.0,
            5.0,
        )
        assert rows["old"].points == 1
        assert [point.value for point in self.store.points(e, 1, "loss")] == [9.0, 8.0, 5.0]
        assert self.store.points(e, 1, attempt=2) == points(5.0)
        assert self.store.points_from(first, 1, 2) == self.store.points(e, 1, attempt=1)[1:]
        assert self.store.points_from(second, 0, 0) == self.store.points_from(second, 1, 9) == []

    def test_hostile_names_are_only_names(self) -> None:
        names = [
            '"; DROP TABLE trial; --',
            "'); DELETE FROM experiment; --",
            ":experiment ?1 $x @y",
            "naïve ☃ 𝕏 \u202e\u0000\n\t",
            "x" * 10_000,
            "",
            "nan",
            "NULL",
        ]
        for name in names:
            description = describe(name=name or None, project=f"/p/{name}")._replace(labels={name: name})
            e = self.store.open_experiment(description, fresh=True, nonce=f"open {name}")[0].id
            kept = self.store.experiment(e).description
            assert (kept.name, kept.project, kept.labels) == (name or None, f"/p/{name}", {name: name})
            given = Configuration({name: name, "n": None, "list": [name]})
            assert self.store.enqueue(e, [given], f"enqueue {name}") == [1]
            (claim,) = self.store.claim(e, 1, name, f"claim {name}")
            assert claim.configuration == given
            assert self.store.holds_any(name)
            self.store.note_command(claim.id, [name, name])
            assert self.store.report(claim.id, 0, points(1.0, metric=name)) is Verdict.ACCEPTED
            assert self.store.renew([claim.id], name) == []
            assert self.store.adopt(claim.id, name, name + "2")
            assert self.store.finish(claim.id, ended(1.0, reason=name)) is Verdict.ACCEPTED
            assert self.store.finish(claim.id, ended(1.0, reason=name)) is Verdict.REPEATED
            assert self.store.set_wish(e, Wish.STOP, name)
            assert self.store.metric_names(e) == [name]
            assert self.store.points(e, 1, name) == points(1.0, metric=name)
            assert self.store.attempts(e, 1)[0].command == (name, name)
            result = self.store.trial(e, 1).result
            assert result is not None and result.reason == name
            assert self.store.retry(e, 1) and self.store.cancel(e, 1, Outcome.KILLED, name)
            self.store.abandon(name)
        assert len(self.store.experiments()) == len(names)

    def test_text_that_is_no_unicode_does_no_harm(self) -> None:
        e, broken = self.open(), "caf\udce9"
        self.store.enqueue(e, [Configuration({"file": broken})], broken.encode("utf-8", "replace").decode())
        claim = self.store.claim(e, 1, broken, "n")[0]
        assert claim.configuration.values() == {"file": broken}
        self.store.note_command(claim.id, [broken])
        assert self.store.attempts(e, 1)[0].command == (broken,)
        assert self.store.report(claim.id, 0, points(1.0, metric=broken)) is Verdict.ACCEPTED
        assert len(self.store.points(e, 1, broken)) == 1
        assert self.store.renew([claim.id], broken) == []
        assert self.store.finish(claim.id, ended(1.0, reason=broken)) is Verdict.ACCEPTED
        assert self.store.set_wish(e, Wish.STOP, broken)

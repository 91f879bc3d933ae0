"""The user's own expressions."""

import pytest

from luthier.errors import UsageError
from luthier.metrics.lines import LineParser
from luthier.metrics.patterns import number, read_pattern


def found(pattern: str, *lines: str) -> list[tuple[str, float, float | None]]:
    parser = LineParser([read_pattern(pattern)])
    return [tuple(reading) for line in lines for reading in parser.parse(line)]


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        (r"(?P<name>\w+) is (?P<value>\S+)( at (?P<step>\d+))?", "acc is .5 at 3", [("acc", 0.5, 3)]),
        (r"(?P<name>\w+) is (?P<value>\S+)( at (?P<step>\d+))?", "acc is 91%", [("acc", 91.0, None)]),
        (r"after (?P<epoch>\d+): (?P<loss>[0-9.]+) (?P<acc>\S+)", "after 2: .5 nan", [("loss", 0.5, 2)]),
        (r"Top-1 (?P<top1>[0-9.]+)", "Top-1 0.3 Top-1 0.4", [("top1", 0.3, None), ("top1", 0.4, None)]),
        (r"val/acc=Acc@1 ([0-9.]+)", " * Acc@1 75.2 (76)", [("val/acc", 75.2, None)]),
        (r"loss=(?:at (?P<step>\d+) )?got (?P<value>\S+)", "at 4 got 1e-3", [("loss", 0.001, 4)]),
        (r"loss=([0-9.]+)", "step=1 loss=0.3", [("loss", 0.3, None)]),
        (r"(?P<loss>\S+) nats", "no nats", []),
    ],
)
def test_a_pattern_finds(pattern: str, line: str, expected: list[tuple[str, float, float | None]]) -> None:
    kept = [reading for reading in found(pattern, line) if reading[1] == reading[1]]
    assert kept == expected


def test_a_metric_of_a_pattern_is_left_to_it() -> None:
    assert found(r"final loss: (?P<loss>\S+)", "loss: 3", "final loss: 1") == [
        ("loss", 1.0, None),
        ("final_loss", 1.0, None),
    ]
    assert found(r"final (?P<name>\w+): (?P<value>\S+)", "acc: 9 b: 1", "final acc: 1", "acc: 8") == [
        ("acc", 9.0, None),
        ("b", 1.0, None),
        ("acc", 1.0, None),
        ("final_acc", 1.0, None),
    ]


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("(?P<loss>[0-9", "is not a regular expression: unterminated character set"),
        ("loss=*(.)", "is not a regular expression: nothing to repeat"),
        ("loss: [0-9.]+", "has no group that says which metric it finds"),
        ("loss: ([0-9.]+)", "has no group that says which metric it finds"),
        ("loss: (?P<value>[0-9.]+)", "has no group that says which metric it finds"),
        ("(?P<name>.+)", "has no group that says which metric it finds"),
        ("(?P<step>.+)", "has no group that says which metric it finds"),
        ("", "has no group that says which metric it finds"),
        ("loss=is (a|b) ([0-9.]+)", "has 2 groups and one must be the value of loss"),
        (r"loss=at (?P<step>\d+) is (\S+)", "call the group of loss's value (?P<value>…)"),
    ],
)
def test_a_pattern_that_finds_nothing_is_refused(pattern: str, part: str) -> None:
    with pytest.raises(UsageError) as error:
        read_pattern(pattern)
    assert str(error.value).startswith(f"--metric-pattern {pattern!r}")
    assert part in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (" 91.3 % ", 91.3),
        ("1_0", None),
        ("", None),
        (None, None),
        ([1], None),
        (True, 1.0),
        (10**400, None),
        ("x", None),
    ],
)
def test_a_number_is_what_spells_one(given: object, value: float | None) -> None:
    assert number(given) == value

"""Reads metrics from one line of a program's output: `epoch 3: loss=0.2, acc=91.3%`.

A line is judged alone, except that a header (`Epoch 3/10`, as Keras prints it) gives its step to the lines
after it that have none. The rules prefer to miss a strange spelling rather than to invent a metric from a
clock time, a path, a version or a device; `patterns.py` is for the strange spellings. Only of a metric that the
search needs is `loss 0.41` read too, where nothing stands between name and number. Every expression here
is linear in the length of the line: a name can begin only where a word begins and gives nothing back. Files
and polls are `follow.py` and `collect.py`, JSON is `objects.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from luthier.metrics.objects import STEP_NAMES, Reading, read_json, readings_of
from luthier.metrics.patterns import MetricPattern

__all__ = ["LineParser", "clean"]

_QUALIFIERS = "train|training|val|valid|validation|test|testing|dev|eval|best|avg|mean|final"
_FIGURE = r"[-+]?(?:(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?|(?i:nan|inf(?:inity)?)(?!\w))"
# Programs that print Python's own objects: tensor(0.3), np.float64(0.3), '0.3'.
_WRAPPED = r"['\"]?(?:(?:tensor|array|np\.(?:float|int)\d+)\()?"
_AFTER = r"(?=\s*%|[\s;|)\]}'\"(±]|,(?!\d)|\.(?:\s|$)|$)"
_PAIR = re.compile(
    rf"(?<![\w./@?&%+\\-])(['\"]?)(?:((?i:{_QUALIFIERS}))[ ])?([^\W\d][\w./@-]{{0,127}}+)\1"
    rf"(\s{{0,8}}[:=]\s{{0,8}}){_WRAPPED}({_FIGURE}){_AFTER}"
)
# The cheap look: is there a separator with something like a value behind it, other than in 12:30?
_PROMISE = re.compile(
    r"(?:=|:(?!(?<=\d\d:)\d\d(?![\d.%])))"
    rf"\s{{0,8}}{_WRAPPED}[-+]?(?:\.?\d|[nN][aA]|[iI][nN][fF])"
)
_NAME = re.compile(r"[^\W\d][\w./@-]*")
_UNQUALIFIED = re.compile(rf"^(?:{_QUALIFIERS})_")
# What may follow `loss 3`, so that `loss 3 times` and `loss 3 of 5` are nothing: an end, a mark, or the next name and number.
# `loss 0.3` is plainer.
_NEXT = (
    r"(?=\s*+(?:$|[;|)\]}%(]|,(?!\d)|-+\s|\.(?:\s|$))"
    rf"|\s++(?!(?:of|in|to|per|times|x)\s)(?:(?:{_QUALIFIERS}) )?[^\W\d][\w./@-]*+(?:\s{{0,8}}[:=]\s{{0,8}}|\s{{1,8}})[-+]?\.?\d)"
)
_STEP = re.compile(
    r"(?<![A-Za-z_])(global[_ ]step|step|iteration|iter|epoch|round|fold)['\"]?\s{0,3}[:=#]?\s{0,3}[\[(]?"
    r"(\d{1,15}(?:\.\d{1,15})?)(?![\w.]*\w)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"\s{0,8}epoch\s{0,3}[:#]?\s{0,3}\[?(\d{1,15})\]?(?:\s?(?:/|of)\s?\d{1,15}\]?)?\s{0,8}:?[\s=-]*$",
    re.IGNORECASE,
)
# XGBoost and LightGBM begin with [12], CatBoost with 12:
_LEADING = re.compile(r"\s{0,8}(?:\[(\d{1,15})(?:/\d{1,15})?\][\s:]|(\d{1,15}):\s)")
_PROGRESS = re.compile(r"\s{0,8}(\d{1,15})/(\d{1,15})\s")
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[@-Z\\-_])|\x08"
)
_DEVICES = frozenset(("cuda", "gpu", "cpu", "mps", "xla", "npu", "tpu", "hpu", "device", "localhost", "line"))


class LineParser:
    """Reads the lines of one stream, in order.

    Metrics that one of the user's `patterns` has named are left to the patterns alone. Those that are `wanted` are also
    read without a sign between name and number, as long as the program does not write them with one.

    **Cost** about a microsecond for a line without metrics, ten for one with two.
    """

    __slots__ = ("_bare", "_epoch", "_owned", "_patterns", "_tails", "_wanted")

    def __init__(self, patterns: Sequence[MetricPattern] = (), wanted: Collection[str] = ()) -> None:
        self._patterns = tuple(patterns)
        self._owned = {name for pattern in patterns for name in pattern.metrics}
        self._epoch: float | None = None
        self._wanted = {name for name in wanted if _NAME.fullmatch(name)} - {*STEP_NAMES}
        names = {name: _UNQUALIFIED.sub("", name) for name in self._wanted}
        self._tails = tuple({*names.values()})  # what is looked for first: it costs next to nothing
        self._bare = _bare({*names, *names.values()}) if names else None

    def parse(self, line: str) -> list[Reading]:
        """Returns what `line` reports; never raises."""
        if "\x1b" in line or "\x08" in line:
            line = clean(line)
        own = self._by_patterns(line) if self._patterns else []
        found: list[Reading] = []
        if _PROMISE.search(line) is not None:
            found = _read_object(line) or self._by_rules(line)
        elif "poch" in line or "POCH" in line:
            self._see_header(line)
        if self._wanted and any(tail in line for tail in self._tails):
            found = [*found, *self._by_name(line, found)]
        if self._owned:
            found = [reading for reading in found if reading.metric not in self._owned]
        return own + found

    def _by_patterns(self, line: str) -> list[Reading]:
        found = []
        for pattern in self._patterns:
            for metric, value, step in pattern.find(line):
                self._owned.add(metric)
                found.append(Reading(metric, value, self._epoch if step is None else step))
        return found

    def _by_rules(self, line: str) -> list[Reading]:
        pairs = [pair for pair in map(_as_pair, _PAIR.finditer(line)) if pair is not None]
        if not pairs:
            self._see_header(line)
            return []
        step = _step_of(line)
        progress = _PROGRESS.match(line) if step is None else None
        if progress is not None:
            if self._epoch is None:
                step = float(progress[1])  # "3/10 loss: 0.2": no header has claimed the epochs
            elif int(progress[1]) < int(progress[2]):
                return []  # Keras in the middle of an epoch: the values are not settled
        if step is None:
            step = self._epoch
        return [Reading(name, value, step) for name, value in pairs]

    def _by_name(self, line: str, found: Sequence[Reading]) -> list[Reading]:
        """What the line says of wanted metrics without a sign; nothing of those that have been written with one."""
        self._wanted.difference_update(reading.metric for reading in found)
        if self._bare is None or not self._wanted:
            return []
        step: float | None = None
        made: list[Reading] = []
        for match in self._bare.finditer(line):
            qualifier, name, figure = match.groups()
            metric = f"{qualifier}_{name}" if qualifier else name
            if metric in self._wanted:
                step = _step_of(line) if not made else step
                made.append(Reading(metric, float(figure), self._epoch if step is None else step))
        return made

    def _see_header(self, line: str) -> None:
        header = _HEADER.match(line)
        if header is not None:
            self._epoch = float(header[1])


def clean(text: str) -> str:
    """Returns `text` without terminal escapes and backspaces."""
    return _ESCAPE.sub("", text)


def _read_object(line: str) -> list[Reading] | None:
    text = line.strip()
    if text[:1] != "{" or text[-1:] != "}":
        return None
    found = read_json(text)
    return readings_of(found) if found is not None else None


def _as_pair(match: re.Match[str]) -> tuple[str, float] | None:
    """The name and value of one match, or None where it is a count (`Train Epoch: 1`), a device, an address or a place
    in a file."""
    _, qualifier, name, separator, figure = match.groups()
    if name.lower() in STEP_NAMES:
        return None
    if separator == ":" and figure.isdecimal() and ("." in name or name.lower() in _DEVICES):
        return None
    return (f"{qualifier}_{name}" if qualifier else name), float(figure)


def _bare(names: Collection[str]) -> re.Pattern[str]:
    """The expression that finds `NAME NUMBER` of these names: whole words, the number next."""
    longest = sorted(names, key=len, reverse=True)
    either = "|".join(map(re.escape, longest))
    return re.compile(
        rf"(?<![\w./@?&%+\\-])(?:((?:{_QUALIFIERS})) )?({either})\s{{1,8}}"
        rf"((?![-+]?\d++(?![.eE\d])){_FIGURE}{_AFTER}|[-+]?\d++{_NEXT})"
    )


def _step_of(line: str) -> float | None:
    """The count a line names, by the finest name on it, or in brackets at its beginning."""
    found = {match[1].lower().replace(" ", "_"): match[2] for match in _STEP.finditer(line)}
    for name in STEP_NAMES:
        if name in found:
            return float(found[name])
    leading = _LEADING.match(line)
    return float(leading[1] or leading[2]) if leading is not None else None

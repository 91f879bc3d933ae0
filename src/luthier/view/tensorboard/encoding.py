"""Encodes TensorBoard's events: scalars, and what the HParams table is made of.

Messages are written by the field numbers of `event.proto`, `summary.proto`, and of the HParams plugin's `api.proto` and
`plugin_data.proto`; so nothing has to be installed. What experiments and trials are is not known here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from luthier.metrics.tfrecord import framed

__all__ = [
    "Hyperparameter",
    "Metric",
    "beginning",
    "experiment",
    "restart",
    "scalar",
    "session_end",
    "session_start",
]

Plain = bool | float | str
_VERSION = "brain.Event:2"
_TYPES = {str: 1, bool: 2, float: 3}
_SUCCESS, _FAILURE = 1, 2


class Hyperparameter(NamedTuple):
    """One column of the HParams table: its `kind` is that of all its values; listed values or an interval, if it has any."""

    name: str
    kind: type[str] | type[bool] | type[float]
    choices: tuple[Plain, ...] = ()
    interval: tuple[float, float] | None = None


class Metric(NamedTuple):
    """A metric's column of the HParams table."""

    tag: str
    description: str = ""


def beginning(time: float) -> bytes:
    """The record every event file begins with."""
    return framed(_time(time) + _text(3, _VERSION))


def scalar(time: float, step: float, tag: str, value: float) -> bytes:
    """One point of a curve. **Units** `time` is in seconds since 1970. A step becomes a whole number, a value a short float."""
    return framed(
        _time(time) + _step(step) + _bytes(5, _bytes(1, _text(1, tag) + _key(2, 5) + _float(value)))
    )


def restart(time: float, step: float) -> bytes:
    """Says that what was written for this step and later ones counts no more."""
    return framed(_time(time) + _step(step) + _bytes(7, _number(1, 1)))


def experiment(time: float, parameters: Iterable[Hyperparameter], metrics: Iterable[Metric]) -> bytes:
    """All columns of the HParams table."""
    whole = _double(3, time)
    for parameter in parameters:
        info = _text(1, parameter.name) + _number(4, _TYPES[parameter.kind])
        if parameter.choices:
            info += _bytes(5, b"".join(_bytes(1, _value(choice)) for choice in parameter.choices))
        elif parameter.interval is not None:
            low, high = parameter.interval
            info += _bytes(6, _double(1, low) + _double(2, high))
        if len(parameter.choices) != 1:
            info += _number(7, 1)  # it differs among trials, or TensorBoard may leave its column out
        whole += _bytes(4, info)
    for metric in metrics:
        whole += _bytes(5, _bytes(1, _text(2, metric.tag)) + _text(4, metric.description))
    return _hparams(time, "experiment", _bytes(2, whole))


def session_start(time: float, name: str, values: Mapping[str, Plain]) -> bytes:
    """The parameters of one run, which becomes a row of the HParams table."""
    pairs = (_bytes(1, _text(1, key) + _bytes(2, _value(value))) for key, value in values.items())
    return _hparams(
        time, "session_start_info", _bytes(3, b"".join(pairs) + _text(4, name) + _double(5, time))
    )


def session_end(time: float, went_well: bool) -> bytes:
    """How the run ended."""
    status = _number(1, _SUCCESS if went_well else _FAILURE)
    return _hparams(time, "session_end_info", _bytes(4, status + _double(2, time)))


def _hparams(time: float, what: str, content: bytes) -> bytes:
    """An event that speaks to the HParams plugin: what it says is in the metadata of a tensor without elements."""
    plugin = _bytes(1, _text(1, "hparams") + _bytes(2, content))
    nothing = _number(1, 1) + _bytes(2, _bytes(2, b""))
    value = _text(1, f"_hparams_/{what}") + _bytes(8, nothing) + _bytes(9, plugin)
    return framed(_time(time) + _bytes(5, _bytes(1, value)))


def _value(value: Plain) -> bytes:
    """A `google.protobuf.Value`."""
    if isinstance(value, bool):
        return _key(4, 0) + bytes((value,))
    return _text(3, value, always=True) if isinstance(value, str) else _double(2, value)


def _time(time: float) -> bytes:
    return _double(1, time)


def _step(step: float) -> bytes:
    number = int(step) if abs(step) < 2.0**63 else 0
    return _number(2, number & 0xFFFFFFFFFFFFFFFF)


def _float(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _double(field: int, value: float) -> bytes:
    return _key(field, 1) + struct.pack("<d", value)


def _text(field: int, text: str, *, always: bool = False) -> bytes:
    return _bytes(field, text.encode("utf-8", "replace")) if text or always else b""


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content


def _number(field: int, number: int) -> bytes:
    return _key(field, 0) + _varint(number)


def _key(field: int, kind: int) -> bytes:
    return bytes((field << 3 | kind,))  # no field here has a number above 15


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)

"""A trial as hyperopt writes it down: a dict, its states and statuses, and the values of all trials by label.

`misc["vals"]` maps every label to a list of its one value, or to an empty list where the trial did not need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from numbers import Number
from typing import Any

from luthier.compat.hyperopt.exceptions import InvalidTrial

__all__ = [
    "JOB_STATES",
    "JOB_STATE_CANCEL",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "JOB_VALID_STATES",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "TRIAL_KEYS",
    "TRIAL_MISC_KEYS",
    "Document",
    "SONify",
    "checked",
    "document",
    "loss_of",
    "miscs_to_idxs_vals",
    "miscs_update_idxs_vals",
    "spec_from_misc",
    "validate_loss_threshold",
    "validate_timeout",
]

Document = dict[str, Any]

STATUS_NEW = "new"
STATUS_RUNNING = "running"
STATUS_SUSPENDED = "suspended"
STATUS_OK = "ok"
STATUS_FAIL = "fail"
STATUS_STRINGS = (STATUS_NEW, STATUS_RUNNING, STATUS_SUSPENDED, STATUS_OK, STATUS_FAIL)

JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL = range(5)
JOB_STATES = [JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL]
JOB_VALID_STATES = {JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE}

TRIAL_KEYS = ["tid", "spec", "result", "misc", "state", "owner", "book_time", "refresh_time", "exp_key"]
TRIAL_MISC_KEYS = ["tid", "cmd", "idxs", "vals"]

COMMAND = ("domain_attachment", "FMinIter_Domain")


def document(
    tid: Any, values: Mapping[str, Any], labels: Iterable[str] = (), exp_key: Any = None
) -> Document:
    """The document of a new trial with these values; the other `labels` are those it does not need."""
    empty: dict[str, list[Any]] = {label: [] for label in labels}
    return {
        "state": JOB_STATE_NEW,
        "tid": tid,
        "spec": None,
        "result": {"status": STATUS_NEW},
        "misc": {
            "tid": tid,
            "cmd": COMMAND,
            "workdir": None,
            "idxs": {**empty, **{label: [tid] for label in values}},
            "vals": {**empty, **{label: [value] for label, value in values.items()}},
        },
        "exp_key": exp_key,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def checked(doc: Any, exp_key: Any) -> Document:
    """The document, if it is one of this experiment. **Raises** InvalidTrial saying what it lacks."""
    if not isinstance(doc, Mapping):
        raise InvalidTrial("trial should be dict-like", doc)
    for key in TRIAL_KEYS:
        if key not in doc:
            raise InvalidTrial("trial missing key", key)
    for key in TRIAL_MISC_KEYS:
        if key not in doc["misc"]:
            raise InvalidTrial('trial["misc"] missing key', key)
    if doc["tid"] != doc["misc"]["tid"]:
        raise InvalidTrial("tid mismatch between root and misc", doc)
    if doc["exp_key"] != exp_key:
        raise InvalidTrial("wrong exp_key", (doc["exp_key"], exp_key))
    return doc  # type: ignore[return-value]


def loss_of(doc: Mapping[str, Any]) -> float | None:
    """The loss of a trial that ended with status ok and a loss that is a number; None of every other."""
    result = doc["result"]
    loss = result.get("loss")
    if doc["state"] != JOB_STATE_DONE or result.get("status") != STATUS_OK or loss is None or loss != loss:
        return None
    return float(loss)


def spec_from_misc(misc: Mapping[str, Any]) -> dict[str, Any]:
    """The values a trial needs, by label."""
    several = [label for label, values in misc["vals"].items() if len(values) > 1]
    if several:
        raise NotImplementedError("multiple values", (several[0], misc["vals"][several[0]]))
    return {label: values[0] for label, values in misc["vals"].items() if values}


def miscs_to_idxs_vals(
    miscs: Sequence[Mapping[str, Any]], keys: Iterable[str] | None = None
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """For every label the ids of the trials that have it, and its values there.

    **Raises** ValueError where there is no trial to read the labels from.
    """
    if keys is None:
        if not miscs:
            raise ValueError("cannot infer keys from empty miscs")
        keys = miscs[0]["idxs"]
    idxs: dict[str, list[Any]] = {key: [] for key in keys}
    vals: dict[str, list[Any]] = {key: [] for key in idxs}
    for misc in miscs:
        for key in idxs:
            idxs[key] += misc["idxs"].get(key, ())
            vals[key] += misc["vals"].get(key, ())
    return idxs, vals


def miscs_update_idxs_vals(
    miscs: Sequence[dict[str, Any]],
    idxs: Mapping[str, Sequence[Any]],
    vals: Mapping[str, Sequence[Any]],
    assert_all_vals_used: bool = True,
    idxs_map: Mapping[Any, Any] | None = None,
) -> Sequence[dict[str, Any]]:
    """Writes values by label into the trials they belong to: the inverse of `miscs_to_idxs_vals`."""
    by_id = {misc["tid"]: misc for misc in miscs}
    for misc in miscs:
        misc["idxs"] = {key: [] for key in idxs}
        misc["vals"] = {key: [] for key in idxs}
    for key, ids in idxs.items():
        for given, value in zip(ids, vals[key], strict=True):
            tid = idxs_map.get(given, given) if idxs_map else given
            if tid in by_id:
                by_id[tid]["idxs"][key], by_id[tid]["vals"][key] = [tid], [value]
            elif assert_all_vals_used:
                raise KeyError(tid)
    return miscs


def SONify(arg: Any, memo: Any = None) -> Any:  # noqa: N802  hyperopt's name
    """NumPy's numbers and arrays as Python's, inside containers too; all else as it is."""
    if arg is None or (
        isinstance(arg, (str, int, float, bytes, datetime)) and type(arg).__module__ != "numpy"
    ):
        return arg
    if isinstance(arg, dict):
        return {SONify(key): SONify(value) for key, value in arg.items()}
    if type(arg) in (list, tuple):
        return type(arg)(SONify(item) for item in arg)
    if type(arg).__module__ == "numpy" and hasattr(arg, "tolist"):
        return arg.tolist()
    return arg


def validate_timeout(timeout: Any) -> None:
    """Refuses a timeout that is no positive number. **Raises** ValueError."""
    if timeout is not None and (not _is_number(timeout) or not timeout > 0):
        raise ValueError(f"The timeout argument should be None or a positive value. Given value: {timeout}")


def validate_loss_threshold(loss_threshold: Any) -> None:
    """Refuses a threshold that is no number. **Raises** ValueError."""
    if loss_threshold is not None and not _is_number(loss_threshold):
        raise ValueError(
            f"The loss_threshold argument should be None or a numeric value. Given value: {loss_threshold}"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Number)) and not isinstance(value, bool)

"""What a training script calls: report a metric, read the trial's parameters, seed and folders.

It runs in the user's process, so it may not slow it, break it or load anything: the standard library only,
and most of that on first use. Outside a trial every function does nothing or answers with a default. Inside
one, a report is one JSON line appended to the file `$LUTHIER_METRICS` in a single write, which any language
can do as well: `{"step": 3, "loss": 0.2}`. Steps that are not given are numbered by the reader
(`collect.py`), so processes and forks share no count. `typing` and `clock` are not imported because they load
more than this whole file.
"""

from __future__ import annotations

import _thread
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

__all__ = [
    "MetricWarning",
    "checkpoint_dir",
    "enter",
    "in_trial",
    "is_called",
    "number_of",
    "outer_ranks",
    "output_dir",
    "params",
    "report",
    "reports_here",
    "seed",
    "send_metric",
    "should_stop",
    "trial_id",
    "warn",
]

# The innermost launcher comes first, for it alone knows the whole group: torchrun under srun sets both. Each
# variable stands with the one that names its launch.
_RANKS = (
    ("RANK", "TORCHELASTIC_RUN_ID"),
    ("OMPI_COMM_WORLD_RANK", "PMIX_NAMESPACE"),
    ("PMI_RANK", "PMI_JOBID"),
    ("SLURM_PROCID", "SLURM_STEP_ID"),
)
_NAME_LENGTH = 200
_warned: set[str] = set()
_contexts: dict[
    int, Any
] = {}  # the trials of the functions that Luthier calls in this process now, by thread
_torn = False  # the last write was cut short by a full disk: begin the next on a new line


class MetricWarning(UserWarning):
    """Says that something reported was not a metric and was discarded. Training goes on."""


def report(values: Any = None, /, *, step: float | None = None, **metrics: Any) -> None:
    """Reports values of this trial's metrics: `report(step=3, loss=0.2)`.

    Names that are no Python names take the other form: `report({"val/acc": 0.9}, step=3)`; `report(3,
    loss=0.2)` works too. A value is a number, or has one to give: NumPy scalars, arrays and tensors of one
    element. NaN and infinity are kept. Without `step` a metric's step is its previous one plus one, from 0.
    Only rank 0 of a distributed program reports.

    **Holds** it never raises: what is not a number is discarded with one `MetricWarning`. But within a function that
    Luthier calls, it raises `luthier.Stop` when a stopping rule ends the trial; let that through.
    """
    try:
        if not _is_open():
            return
        given: dict[Any, Any] = {}
        pairs = getattr(values, "items", None)
        if callable(pairs):
            given.update(pairs())
        elif values is not None:  # report(3, loss=0.2); what is no number either is told so by `_write`
            step = values if step is None else step
        given.update(metrics)
        inner = given.pop("step", None)
        _write(_numbers(given), inner if step is None else step)
    except Exception as error:  # a reporter must not be what ends a training
        if getattr(error, "ends_trial", False):
            raise
        warn(f"a metric could not be reported: {_shown(error)}")


def send_metric(name: str, value: Any, index: int | None = None) -> None:
    """Reports one value of one metric, as Spell's function of this name did.

    `index` is the step; by default the previous one plus one. A text is kept in the trial's `metrics.jsonl`
    and nowhere else, because an objective needs numbers.

    **Holds** it never raises: another type, or an index that is no number, is discarded with a
    `MetricWarning`.
    """
    try:
        if not _is_open():
            return
        if isinstance(value, str):
            _write({name: value} if _is_name(name) else {}, index)
        else:
            _write(_numbers({name: value}), index)
    except Exception as error:
        if getattr(error, "ends_trial", False):
            raise
        warn(f"metric {_shown(name)} could not be sent: {_shown(error)}")


def should_stop() -> bool:
    """Whether Luthier wants this trial to end early; False outside a trial.

    For programs that would rather end by themselves, after saving what they have: who asks this, once or after every
    epoch, is given the grace period to do so before it is sent TERM. In a function, it keeps `report` from raising.
    """
    called = _called()
    if called is not None:
        return bool(called.should_stop())
    folder = os.environ.get("LUTHIER_RUN_DIR")
    if not folder or not os.environ.get("LUTHIER_METRICS"):
        return False
    mark = folder + "/asks-should-stop"
    if mark not in _warned:
        _warned.add(mark)
        try:
            os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        except OSError:
            pass  # a full disk: it will be told by TERM, as others are
    return os.path.exists(folder + "/should-stop")


def params() -> dict[str, Any]:
    """Returns this trial's parameters by name, as JSON has them; an empty dict outside a trial."""
    import json

    called = _called()
    if called is not None:
        return dict(called.values)
    text = os.environ.get("LUTHIER_PARAMS", "")
    path = os.environ.get("LUTHIER_PARAMS_FILE", "")
    try:
        if text and not text.lstrip().startswith("{"):
            text, path = "", text
        if not text and path:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        found = json.loads(text) if text else {}
        if isinstance(found, dict):
            return found
        warn("$LUTHIER_PARAMS holds no JSON object; there are no parameters")
    except (OSError, ValueError) as error:
        warn(f"$LUTHIER_PARAMS could not be read ({_shown(error)}); there are no parameters")
    return {}


def in_trial() -> bool:
    """Whether Luthier runs this script, or calls this function, as a trial."""
    return _called() is not None or bool(os.environ.get("LUTHIER_METRICS"))


def trial_id() -> str | None:
    """The name of this trial, `144.7`; None outside one."""
    called = _called()
    if called is not None:
        return str(called.trial)
    return os.environ.get("LUTHIER_TRIAL") or None


def seed(default: int = 0) -> int:
    """The seed this trial was given; `default` outside one. It seeds nothing by itself."""
    called = _called()
    if called is not None:
        return int(called.seed)
    try:
        return int(os.environ.get("LUTHIER_SEED", ""))
    except ValueError:
        return default


def checkpoint_dir(default: str = ".") -> Path:
    """The folder whose content outlives this attempt: a trial that is tried again finds it as it was left."""
    return _folder("LUTHIER_CHECKPOINT_DIR", "checkpoint", default)


def output_dir(default: str = ".") -> Path:
    """The folder that keeps what this trial makes."""
    return _folder("LUTHIER_OUTPUT_DIR", "outputs", default)


def is_called() -> bool:
    """Whether Luthier calls a function in this thread now."""
    return _thread.get_ident() in _contexts


def enter(context: Any) -> Any:
    """Makes a function's trial the one that this thread reports to, None for none; returns the one before."""
    thread = _thread.get_ident()
    before = _contexts.pop(thread, None)
    if context is not None:
        _contexts[thread] = context
    return before


def reports_here(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this process is the one of its group that reports: rank 0, or the only one.

    A rank that was there before the trial began (a worker started by `srun`) says nothing of this program's
    own processes; `outer_ranks` is how the worker tells.
    """
    environ = os.environ if environ is None else environ
    outer = environ.get("LUTHIER_OUTER_RANKS", "").split()
    for name, launch in _RANKS:
        rank = environ.get(name, "").strip()
        if not rank.isdecimal() or _rank_mark(environ, name, launch) in outer:
            continue
        return int(rank) == 0
    return True


def outer_ranks(environ: Mapping[str, str]) -> str:
    """The value of `LUTHIER_OUTER_RANKS` for a trial that inherits `environ`: ranks that are not its own."""
    return " ".join(_rank_mark(environ, name, launch) for name, launch in _RANKS if environ.get(name))


def _rank_mark(environ: Mapping[str, str], name: str, launch: str) -> str:
    return "".join(f"{name}={environ.get(name, '')}@{environ.get(launch, '')}".split())


def _called() -> Any:
    """The trial of the function that is called now: this thread's own, or, for a thread the function began, the only one."""
    called = _contexts.get(_thread.get_ident())
    if called is None and len(_contexts) == 1:
        return next(iter(_contexts.values()), None)
    return called


def _is_open() -> bool:
    return in_trial() and reports_here()


def _folder(variable: str, name: str, default: str) -> Path:
    from pathlib import Path

    called = _called()
    if called is not None:
        return Path(called.directory(name))
    return Path(os.environ.get(variable) or default)


def _numbers(given: dict[Any, Any]) -> dict[str, Any]:
    """Keeps what has a usable name and is a number; warns about the rest."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if not _is_name(name):
            continue
        number = number_of(value)
        if number is None:
            kind = type(value).__name__
            warn(f"metric {_shown(name)} was given a {kind}, which is not a number; it was discarded")
        else:
            kept[name] = number
    return kept


def number_of(value: Any) -> float | int | None:
    """The number that `value` is or holds; None if it is none."""
    try:
        if not isinstance(value, (int, float)) and callable(getattr(value, "item", None)):
            value = value.item()  # NumPy, PyTorch, JAX: a scalar, or an array of one element
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, int):
            float(value)  # an integer beyond the floats would be lost at the reader
            return int(value)
        if value is None or isinstance(value, (str, bytes, bytearray, complex)):
            return None
        return float(value)
    except Exception:
        return None


def _is_name(name: Any) -> bool:
    fits = isinstance(name, str) and 0 < len(name) <= _NAME_LENGTH and name.isprintable()
    if fits and name not in ("step", "_time"):  # the line's own two keys
        return True
    warn(f"{_shown(name)} can't name a metric; it was discarded")
    return False


def _write(values: dict[str, Any], step: Any) -> None:
    """Appends one line. O_APPEND and a single write keep the lines of several processes whole."""
    global _torn
    if not values:
        return
    number = None if step is None else number_of(step)
    if step is not None and (number is None or number - number != 0):  # NaN and infinity count nothing
        warn(f"the step {_shown(step)} is not a number; the next step was taken")
        number = None
    called = _called()
    if called is not None:
        called.write(values, number)
        return
    import json
    from time import time

    line: dict[str, Any] = {} if number is None else {"step": number}
    # The time is written here because a trial may outlive its driver and be read hours later.
    line = {**line, **values, "_time": time()}
    data = ("\n" if _torn else "") + json.dumps(line) + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    file = os.open(os.environ["LUTHIER_METRICS"], flags, 0o644)
    try:
        payload = data.encode()
        _torn = os.write(file, payload) < len(payload)
    finally:
        os.close(file)


def _shown(thing: Any) -> str:
    try:
        return repr(thing)[:200]
    except Exception:
        return f"a {type(thing).__name__}"


def warn(message: str) -> None:
    """Warns once for each message, also where warnings are errors: training must go on."""
    if message in _warned:
        return
    _warned.add(message)
    import warnings

    try:
        warnings.warn(message, MetricWarning, stacklevel=3)
    except Exception:
        # Not contextlib.suppress: it would be an import more.
        try:
            print(f"MetricWarning: {message}", file=sys.stderr)
        except Exception:
            pass

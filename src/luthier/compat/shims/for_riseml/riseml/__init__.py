"""The name `riseml`, for a program that reports its results as RiseML's client did: `riseml.report_result(accuracy=.3)`.

It stands alone, so that any Python can load it, one without Luthier too: a result is one line of JSON appended to
`$LUTHIER_METRICS`. Outside a trial it does nothing.
"""

import json
import os
import warnings

__all__ = ["report_result"]


def report_result(**results):  # type: ignore[no-untyped-def]  # an old Python may read this
    """Reports results of this experiment, numbers by name. Returns None, and never raises."""
    path = os.environ.get("LUTHIER_METRICS")
    if not path:
        return
    numbers = {}
    for name, value in results.items():
        try:
            numbers[name] = float(value)
        except (TypeError, ValueError):
            warnings.warn(f"riseml: the result {name}={value!r} is no number and was discarded", stacklevel=2)
    try:
        if numbers:
            with open(path, "ab", buffering=0) as file:
                file.write((json.dumps(numbers) + "\n").encode("utf-8"))
    except OSError as error:
        warnings.warn(f"riseml: the result could not be reported: {error}", stacklevel=2)

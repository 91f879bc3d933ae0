"""The name `spell` for `luthier.compat.spell`, in the runs that its door begins.

`spell.metrics` works for any Python: where this one has no Luthier, it is the file of Luthier's reporter alone.
"""

import importlib
import importlib.util
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

OURS = "luthier.compat.spell"
REPORTER = "../../../../metrics/report.py"


class _Ours(MetaPathFinder, Loader):
    """Finds `spell.x` as `luthier.compat.spell.x`: the very module, so that a class has one identity."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> "ModuleSpec | None":
        return ModuleSpec(fullname, self) if fullname.startswith("spell.") else None

    def create_module(self, spec: ModuleSpec) -> Any:
        try:
            return importlib.import_module(OURS + spec.name[len("spell") :])
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "luthier":
                raise
            if spec.name == "spell.metrics":
                return _reporter()
            raise ModuleNotFoundError(
                f"this program's spell is Luthier's, which {sys.executable} has not; install it: "
                f"{sys.executable} -m pip install luthier",
                name="luthier",
            ) from None

    def exec_module(self, module: Any) -> None:
        """Nothing: it has been executed under its own name."""


def _reporter() -> Any:
    """The module of `send_metric` by its file, which needs nothing but the standard library."""
    file = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), REPORTER))
    spec: Any = importlib.util.spec_from_file_location("luthier_metrics_report", file)
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SpellMetricWarning = module.MetricWarning
    return module


sys.meta_path.insert(0, _Ours())


def __getattr__(name: str) -> Any:
    if name in ("api", "client", "metrics"):
        return importlib.import_module("spell." + name)
    if name == "SpellError":
        return importlib.import_module(OURS).SpellError
    raise AttributeError(f"module 'spell' has no attribute {name!r}")

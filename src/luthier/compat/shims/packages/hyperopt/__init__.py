"""The name `hyperopt` for `luthier.compat.hyperopt`: its very modules, so that a class has one identity."""

import importlib
import sys

OURS = "luthier.compat.hyperopt"
LATER = ("criteria", "mongoexp", "rdists")

try:
    package = importlib.import_module(OURS)
except ModuleNotFoundError as error:
    if error.name is not None and error.name.partition(".")[0] == "luthier":
        raise ModuleNotFoundError(
            f"this program's hyperopt is Luthier's, which {sys.executable} has not; install it: "
            f"{sys.executable} -m pip install luthier",
            name="luthier",
        ) from None
    raise
for name in LATER:
    importlib.import_module(f"{OURS}.{name}")
for name in [name for name in sys.modules if name == OURS or name.startswith(f"{OURS}.")]:
    sys.modules["hyperopt" + name.removeprefix(OURS)] = sys.modules[name]

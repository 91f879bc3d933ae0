"""The name `gradient_sdk` for `luthier.compat.gradient_sdk`: its very modules."""

import importlib
import sys

OURS = "luthier.compat.gradient_sdk"
NAMES = {
    "": OURS,
    ".exceptions": f"{OURS}.exceptions",
    ".hyper_parameter": f"{OURS}.hyper_parameter",
    ".metrics": f"{OURS}.metrics",
    ".multi_node": f"{OURS}.multi_node",
    ".utils": f"{OURS}.places",
}

try:
    modules = {name: importlib.import_module(ours) for name, ours in NAMES.items()}
except ModuleNotFoundError as error:
    if error.name is not None and error.name.partition(".")[0] == "luthier":
        raise ModuleNotFoundError(
            f"this program's gradient_sdk is Luthier's, which {sys.executable} has not; install it: "
            f"{sys.executable} -m pip install luthier",
            name="luthier",
        ) from None
    raise
for name, module in modules.items():
    sys.modules["gradient_sdk" + name] = module

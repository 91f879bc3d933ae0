"""hyperopt's adaptive TPE chooses TPE's options by itself; that is what Luthier's automatic choice is for, without the
trained model and the packages it needs."""

from luthier.compat.hyperopt.auto import suggest

__all__ = ["suggest"]

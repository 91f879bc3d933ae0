"""The name `hyperopt` for `luthier.compat.hyperopt`."""

from _luthier_stands_in import stand_in  # type: ignore[import-not-found]  # beside this folder, where the shims are found

stand_in(__name__, "luthier.compat.hyperopt", ("criteria", "mongoexp", "rdists"))

"""The later name of `gradient_sdk`, for `luthier.compat.gradient_sdk` as well."""

from _luthier_stands_in import gradient  # type: ignore[import-not-found]  # beside this folder, where the shims are found

gradient(__name__)

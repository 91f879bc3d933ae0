"""The driver in the background, by its old name: it lives in `drive/background.py`, where Python programs reach it too."""

from luthier.drive.background import run_in_background, say_ready

__all__ = ["run_in_background", "say_ready"]

"""An experiment as TensorBoard shows it: one run a trial, `144.1`, `144.2`, …, with curves and the HParams table.

`Mirror` writes the folder and keeps it up to date; it needs nothing installed. `serving` runs TensorBoard over any folder
of runs, which takes the extra `luthier[tensorboard]`. The bytes of event files are `encoding.py`, the other direction is
`metrics/events.py`.
"""

from luthier.view.tensorboard.mirror import Mirror
from luthier.view.tensorboard.server import Server, serving

__all__ = ["Mirror", "Server", "serving"]

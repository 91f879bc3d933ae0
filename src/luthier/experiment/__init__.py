"""The Python face of an experiment: `minimize`, `maximize`, and `Experiment`, which both return.

Everything here is the engine the command line drives, with a function in the place of the command: the same store, the
same searchers, the same loop. Without `store=` the record lives in memory and is gone with the program; with it, the same
call goes on where the last one was, whatever killed it. How a function is called is in `drive/callee.py`, how its space
is read in `space/tree.py`.
"""

from luthier.experiment.experiment import Experiment
from luthier.experiment.finding import maximize, minimize
from luthier.experiment.tried import Asked, Tried

__all__ = ["Asked", "Experiment", "Tried", "maximize", "minimize"]

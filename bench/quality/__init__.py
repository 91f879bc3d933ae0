"""How good the proposals are: problems of eight families, the peers that search them, and what came of it.

    python -m bench.quality run --peers random,luthier:auto
    python -m bench.quality table
    python -m bench.quality report

`problem.py` says what a problem is and `problems/` has them all; `peers/` adapts every optimizer to one face;
`play.py` runs one against the other; `results.py` keeps what happened, with which sources (`sources.py`); `scoring.py`
judges it; `table.py` and `report.py` show it.
"""

import os
import sys

# One thread for each process: said before numpy is loaded, it holds for all the libraries. Later it would only leak into
# what the process starts.
if "numpy" not in sys.modules:
    for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[_variable] = "1"

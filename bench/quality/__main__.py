"""Where `python -m bench.quality` begins."""

import sys

from bench.quality.commands import main

if __name__ == "__main__":
    sys.exit(main())

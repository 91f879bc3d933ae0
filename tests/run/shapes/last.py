"""The foreground part of a pipeline."""

import sys

import ready

ready.wait(int(sys.argv[1]))

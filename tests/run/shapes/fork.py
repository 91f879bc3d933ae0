"""A worker forked and forgotten."""

import os

import ready

if os.fork() == 0:
    ready.rest()
ready.wait(2)

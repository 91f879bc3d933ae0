"""A program and a worker that both ignore TERM."""

import os
import signal

import ready

signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    ready.rest()
ready.wait(2)

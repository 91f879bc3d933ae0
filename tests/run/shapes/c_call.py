"""Threads stuck in C, one of them with the interpreter's lock, so that no handler of Python's ever runs."""

import ctypes
import os
import signal
import threading

import ready

signal.signal(signal.SIGTERM, lambda number, frame: None)
for _ in range(3):
    threading.Thread(target=ctypes.CDLL(None).sleep, args=(600,), daemon=True).start()
if os.environ.get("FINISHES"):
    ready.wait(1)
    raise SystemExit
ready.stand()
ctypes.PyDLL(None).sleep(600)

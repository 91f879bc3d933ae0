"""A worker that has stopped itself."""

import os
import signal

import ready

child = os.fork()
if child == 0:
    ready.announce()
    os.kill(os.getpid(), signal.SIGSTOP)
    ready.rest()
os.waitpid(child, os.WUNTRACED)
ready.wait(2)

"""A worker that leaves the session and the process group, with a child of its own."""

import os

import ready

if os.fork() == 0:
    os.setsid()
    os.fork()
    ready.rest()
ready.wait(3)

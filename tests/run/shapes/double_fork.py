"""A daemon: forked twice, its parent gone, in a session of its own, its standard streams closed."""

import os

import ready

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        ready.rest()
    os._exit(0)
os.wait()
ready.wait(2)

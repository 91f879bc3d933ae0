"""Workers of multiprocessing, started by spawn."""

import multiprocessing
import os

import ready

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        context.Process(target=ready.rest, daemon=False).start()
    ready.wait(3)
    os._exit(0)  # it does not wait for them

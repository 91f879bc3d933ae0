"""How a shape says that it stands: each process of it leaves a file, the main one waits for a word to finish."""

import os
import time

HERE = os.environ["LUTHIER_OUTPUT_DIR"]


def announce() -> None:
    """Says that this process is up."""
    with open(f"{HERE}/up-{os.getpid()}", "w", encoding="ascii"):
        pass


def stand() -> None:
    """Says that the whole shape is up."""
    with open(f"{HERE}/ready", "w", encoding="ascii"):
        pass


def rest() -> None:
    """Rests until it is ended."""
    announce()
    while True:
        time.sleep(600)


def wait(count: int) -> None:
    """Announces, and ends when all are up and the word to finish is there."""
    announce()
    while len([name for name in os.listdir(HERE) if name.startswith("up-")]) < count:
        time.sleep(0.005)
    stand()
    while not os.path.exists(f"{HERE}/finish"):
        time.sleep(0.01)

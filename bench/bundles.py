"""How fast a snapshot of data is, against `sha256sum` over the same files in the same run, and what it costs again.

    python bench/bundles.py [--megabytes 1000] [--files 20] [--rounds 3]

Each round reads the files with `sha256sum`, bundles them into a new store (read, hashed, copied and on the disk) and
bundles them once more (nothing is read). Then 100 trials are given the tree: nothing may be copied. The median of the
ratios is printed with its bar. Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from luthier.bundles import snapshot, tree_of

BAR = 2.0  # half as fast as sha256sum


def write_data(folder: Path, megabytes: int, files: int) -> None:
    """Files of random bytes, the first as large as half of all the others together."""
    folder.mkdir()
    first = megabytes // 3 if files > 1 else megabytes
    shares = [first, *[max(1, (megabytes - first) // max(files - 1, 1))] * (files - 1)]
    for number, size in enumerate(shares):
        with open(folder / f"part-{number:03d}.bin", "wb") as file:
            for _ in range(size):
                file.write(os.urandom(10**6))


def used(folder: Path) -> int:
    """The bytes that a folder takes on the disk, each file once however many names it has."""
    seen = {(s.st_dev, s.st_ino): s.st_blocks * 512 for p in folder.rglob("*") if (s := p.lstat())}
    return sum(seen.values())


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="luthier-bench-"))
    try:
        return compare(root, asked.megabytes, asked.files, asked.rounds)
    finally:
        shutil.rmtree(root)


def compare(root: Path, megabytes: int, files: int, rounds: int) -> int:
    """Runs the rounds and prints the figures."""
    data = root / "data"
    write_data(data, megabytes, files)
    os.sync()
    time.sleep(2.1)  # what was written within two seconds is not remembered as seen
    names = [str(path) for path in sorted(data.iterdir())]
    ratios, again = [], []
    for number in range(rounds):
        began = time.perf_counter()
        subprocess.run(["sha256sum", *names], stdout=subprocess.DEVNULL, check=True)
        summed = time.perf_counter() - began
        store = root / f"store-{number}"
        began = time.perf_counter()
        bundle, _ = snapshot(data, "data", store)
        kept = time.perf_counter() - began
        began = time.perf_counter()
        snapshot(data, "data", store)
        again.append(time.perf_counter() - began)
        ratios.append(kept / summed)
        print(f"  sha256sum {summed:.2f} s, bundle {kept:.2f} s, again {again[-1]:.3f} s", flush=True)
    before = used(store)
    for _ in range(100):
        tree = tree_of(store, bundle.digest)
        assert sum(1 for _ in tree.iterdir()) == len(names)
    copied = used(store) - before
    median = statistics.median(ratios)
    good = median <= BAR and copied == 0
    print(
        f"{bundle.size_bytes / 1e6:.0f} MB in {bundle.files} files, bundled / sha256sum"
        f"{median:28.2f} x (range {min(ratios):.2f}-{max(ratios):.2f}, bar {BAR:g}) {'ok' if median <= BAR else 'MISSED'}"
    )
    print(f"the same again, nothing changed{statistics.median(again) * 1000:51.1f} ms")
    print(f"bytes copied for 100 trials{copied:55d} (bar 0) {'ok' if copied == 0 else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

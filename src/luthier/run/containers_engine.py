"""Finds a container engine that works here, by running a container with it.

A program on PATH proves nothing: its daemon may be down, its kernel features missing, its limits refused. So a program of
a hundred bytes is imported as an image and run, with one set of options after another, until it answers; the set that
did is what trials are run with. The answer is kept for a while in the user's cache folder. What is run in containers is
decided elsewhere.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from luthier.clock import SystemClock
from luthier.digest import sha256

__all__ = ["CHOICE", "Engine", "Found", "find_engine", "forget"]

CHOICE = "LUTHIER_CONTAINER_ENGINE"
"""Names the engine to use, `podman` or `docker` or a path; `none` for none at all."""

ENGINES = ("podman", "docker")
KEPT_SECONDS = 600.0
REFUSED_SECONDS = 60.0
PATIENCE_SECONDS = 30.0
ANSWER = 42
UNHEEDED = re.compile(r"(?i)ignored|discarded|not support")
"""What engines say of a limit that they take and do not keep."""
FORMAT = 1

USUAL = ("--network", "host", "--ipc", "host", "--security-opt", "label=disable", "--log-driver", "none")
"""As a program without a container has it: the machine's network and shared memory, and its output in our files alone."""

PLAINER: tuple[tuple[str, ...], ...] = (USUAL, USUAL[:2], ())
GLOBALS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "podman": (
        (),
        ("--runtime", "runc"),
        ("--runtime", "crun"),
        ("--cgroup-manager", "cgroupfs"),
        ("--storage-driver", "vfs"),
        ("--storage-driver", "vfs", "--runtime", "runc"),
    ),
    "docker": ((),),
}
CODE = {  # exit(42), as the kernel is asked for it
    "x86_64": (62, bytes.fromhex("bf2a000000b83c0000000f05")),
    "aarch64": (183, bytes.fromhex("400580d2a80b80d2010000d4")),
}


@dataclass(frozen=True)
class Engine:
    """A container engine that works. `before` are its options before the verb, `options` those of `run`; `memory` and
    `cpus` tell whether it can limit these."""

    kind: str
    program: str
    version: str = ""
    before: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    memory: bool = False
    cpus: bool = False

    def words(self, *verb: str) -> list[str]:
        """A command line of this engine."""
        return [self.program, *self.before, *verb]

    def closing(self, name: str) -> list[str]:
        """What ends a container of this name, whatever it is doing, and removes it."""
        if self.kind == "docker":
            return self.words("rm", "--force", name)
        at_once = ("--time", "0") if _major(self.version) >= 4 else ()
        return self.words("rm", "--force", "--ignore", *at_once, name)

    def __str__(self) -> str:
        return f"{self.kind} {self.version}".strip()


@dataclass(frozen=True)
class Found:
    """The engine that works, or why none does: a sentence for each that was tried."""

    engine: Engine | None
    why: str = ""
    tried: tuple[str, ...] = field(default=())


def _major(version: str) -> int:
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0


def find_engine(environment: Mapping[str, str] | None = None) -> Found:
    """The container engine of this machine. **Cost** nothing while the last answer is fresh, else about a second."""
    environment = os.environ if environment is None else environment
    choice = environment.get(CHOICE, "")
    if choice == "none":
        return Found(None, f"{CHOICE}=none says to use no container engine")
    candidates = _candidates(choice, environment)
    if not candidates:
        what = f"{choice} was not found" if choice else "neither podman nor docker is installed"
        return Found(None, what)
    place = _cache(environment, candidates)
    if (kept := _kept(place)) is not None:
        return kept
    found = _probe(candidates)
    _keep(place, found)
    return found


def forget(environment: Mapping[str, str] | None = None) -> None:
    """Drops what was found, so that the next question is answered by a new try."""
    environment = os.environ if environment is None else environment
    place = _cache(environment, _candidates(environment.get(CHOICE, ""), environment))
    place.unlink(missing_ok=True)


def _candidates(choice: str, environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """The kinds and programs there are to try."""
    found = []
    for name in (choice,) if choice else ENGINES:
        program = shutil.which(name, path=environment.get("PATH"))
        if program is not None:
            base = os.path.basename(name)
            found.append(("docker" if base.startswith("docker") else "podman", program))
    return found


# ---------------------------------------------------------------------- what was found before


def _cache(environment: Mapping[str, str], candidates: list[tuple[str, str]]) -> Path:
    """The file that keeps the answer for these programs, this user and this environment."""
    base = environment.get("XDG_CACHE_HOME") or os.path.join(
        environment.get("HOME") or os.path.expanduser("~"), ".cache"
    )
    known = [str(FORMAT), str(os.getuid())]
    known += [f"{kind} {program} {_changed(program)}" for kind, program in candidates]
    known += [
        f"{name}={environment.get(name, '')}" for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST")
    ]
    return Path(base, "luthier", f"engine-{sha256(chr(10).join(known).encode()).hexdigest()[:16]}.json")


def _changed(program: str) -> float:
    try:
        return os.stat(program).st_mtime
    except OSError:
        return 0.0


def _kept(place: Path) -> Found | None:
    try:
        known: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        made = known["engine"]
        age = SystemClock().now() - known["time"]
        if not 0 <= age < (KEPT_SECONDS if made else REFUSED_SECONDS):
            return None
        if made is not None:
            made = Engine(**{**made, "before": tuple(made["before"]), "options": tuple(made["options"])})
        return Found(made, known["why"], tuple(known["tried"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(place: Path, found: Found) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({"time": SystemClock().now(), **asdict(found)}), encoding="utf-8")
        new.replace(place)
    except OSError:
        pass  # no place to keep it: it is found out again


# ---------------------------------------------------------------------- the trying


def _probe(candidates: list[tuple[str, str]]) -> Found:
    tried: list[str] = []
    for kind, program in candidates:
        engine, why = _try(kind, program)
        if engine is not None:
            return Found(engine, "", tuple(tried))
        tried.append(f"{kind}: {why}")
    return Found(None, "; ".join(tried), tuple(tried))


def _try(kind: str, program: str) -> tuple[Engine | None, str]:
    """The engine with the first options that work, or what it says of itself."""
    code, out, said = _ask(
        [program, "version", "--format", "{{.Server.Version}}" if kind == "docker" else "{{.Client.Version}}"]
    )
    if code:
        return None, said
    version, why = out.strip(), "it could not run a container"
    image = _probe_image()
    if image is None:
        return None, f"it could not be tried: no test program for {platform.machine()} is known"
    for before in GLOBALS[kind]:
        if _ask([program, *before, "image", "inspect", image[0]])[0]:
            code, _, said = _ask([program, *before, "import", "-", image[0]], image[1])
            if code:
                why = said
                continue
        for options in _option_sets():
            engine = Engine(kind, program, version, before, options)
            code, said = _runs(engine, image[0])
            if code == ANSWER:
                return _limited(engine, image[0]), ""
            why = said or f"a test program ended with code {code} instead of {ANSWER}"
    return None, why


def _option_sets() -> Iterator[tuple[str, ...]]:
    """Options of `run`, from those that are wished for to none at all. Some kernels refuse an engine's own resource
    limits, which are then set to what this process may have, or less."""
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = ("--ulimit", f"nofile={files[0]}:{files[1]}", "--ulimit", "nproc=4096:4096")
    lowest = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
    for plain in PLAINER:
        yield plain
        yield plain + low
        yield plain + lowest
    yield ("--cgroups", "disabled", *USUAL)


def _runs(engine: Engine, image: str) -> tuple[int, str]:
    code, _, said = _ask(
        engine.words("run", "--rm", "--pull", "never", *engine.options, "--entrypoint", "/probe", image)
    )
    return code, said


def _limited(engine: Engine, image: str) -> Engine:
    """The engine with what it can limit."""
    found = asdict(engine)
    for name, words in (("memory", ("--memory", "64m")), ("cpus", ("--cpus", "1"))):
        more = Engine(**{**asdict(engine), "options": (*engine.options, *words)})
        code, said = _runs(more, image)
        found[name] = code == ANSWER and not UNHEEDED.search(said)
    return Engine(**found)


def _probe_image() -> tuple[str, bytes] | None:
    """The name and the archive of an image that holds one program, which ends with a code of its own."""
    if platform.machine() not in CODE:
        return None
    machine, code = CODE[platform.machine()]
    base, begin = 0x400000, 64 + 56
    size = begin + len(code)
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, base + begin, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    program = head + segment + code
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("probe")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return f"luthier-probe:{sha256(program).hexdigest()[:12]}", archive.getvalue()


def _ask(words: list[str], given: bytes | None = None) -> tuple[int, str, str]:
    """Runs an engine: its exit code, what it printed, and its last words on standard error."""
    try:
        done = subprocess.run(
            words,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "", f"it did not answer within {PATIENCE_SECONDS:g} s"
    except OSError as error:
        return -1, "", f"it could not be started: {error.strerror}"
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1].strip() if lines else ""
    return done.returncode, done.stdout.decode(errors="replace"), last.removeprefix("Error: ")[:300]

"""Reads a `riseml.yml`: what RiseML's reference documents, each value as it is written, every error with its place.

Values stay texts until they are used, so that `1e-6` is printed, passed and recorded as it stands. A `run` whose lines
were folded is one command (`folded`). What the reference has and Luthier has not is said as a notice, or refused with the
reason; nothing is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

from luthier.errors import UsageError
from luthier.job.document import Document, Node, read_document
from luthier.job.parameters import declared_space
from luthier.job.part import LARGEST_WHOLE
from luthier.job.quantities import LARGEST
from luthier.space import Space, Value
from luthier.space.nearest import hint
from luthier.space.value import is_text

__all__ = ["Job", "Resources", "read_job"]

FILE = "riseml.yml"
TOP = ("project", "train")
TRAIN = (
    "run", "image", "install", "framework", "tensorflow", "resources", "parameters", "concurrency",
)  # fmt: skip
TENSORFLOW = ("version", "tensorboard", "distributed")
RESOURCES = ("cpus", "mem", "gpus")
MEGABYTE, GIGABYTE = 1_000_000, 1_000_000_000
LEAST_MEGABYTES = 64
"""A smaller `mem` can't be megabytes, for nothing trains in that."""

CONTINUED = re.compile(r"[ \t]*\\?\n[ \t]+")
NAME = re.compile(r"[A-Za-z0-9_./-]+")
Path_ = tuple[str | int, ...]


class Resources(NamedTuple):
    """What a sub-experiment needs: cores, bytes, GPUs; and as they are written, by name."""

    cpus: float | None
    memory_bytes: int | None
    gpus: float
    written: dict[str, Value]


@dataclass(frozen=True)
class Job:
    """A `riseml.yml`. `run` is as it stands, one text or several; `commands` are the commands it means."""

    path: str
    root: Path
    project: str
    run: str | tuple[str, ...]
    is_folded: bool
    space: Space
    concurrency: int
    resources: Resources
    image: str | None
    install: tuple[str, ...]
    framework: str | None
    tensorflow: dict[str, Value]
    notices: tuple[str, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands, one after the other."""
        if isinstance(self.run, tuple):
            return self.run
        return (CONTINUED.sub(" ", self.run) if self.is_folded else self.run,)

    @property
    def is_set(self) -> bool:
        """Whether it has several sub-experiments, by RiseML's word a set."""
        return len(self.space) > 0

    @property
    def wants_board(self) -> bool:
        """Whether a TensorBoard is to be shown."""
        known = self.tensorflow.get("tensorboard")
        return known is not None and known.value is True


def read_job(path: str) -> Job:
    """Reads the file. **Raises** UsageError beginning with file:line:column."""
    if not Path(path).is_file():
        raise UsageError(
            f"there is no {path} in {Path.cwd()}; make one with: luthier riseml init, or name another with -f"
        )
    return _Reader(read_document(path), path).read()


class _Reader:
    """Reads one file, and gathers what is to be said of it."""

    def __init__(self, document: Document, path: str) -> None:
        self.document = document
        self.path = path
        self.notices: list[str] = []

    def read(self) -> Job:
        root = self._section(self.document.root, (), "the file")
        if "deploy" in root:
            self._refuse(
                "Luthier tunes models and does not serve them; take the deploy section out", ("deploy",)
            )
        self._only(root, (), TOP)
        project = self._text(self._needed(root, (), "project", "field"), ("project",))
        train = self._section(self._needed(root, (), "train", "section"), ("train",), "train")
        self._only(train, ("train",), TRAIN)
        run, is_folded = self._run(train)
        image, install = self._image(train)
        framework, tensorflow = self._framework(train, image)
        if install and image is None:
            self.notices.append(
                "install needs an image, and none is named: its commands are not run, for they would change this machine"
            )
            install = ()
        return Job(
            path=self.path,
            root=Path(self.path).absolute().parent,
            project=project,
            run=run,
            is_folded=is_folded,
            space=self._parameters(train),
            concurrency=self._concurrency(train),
            resources=self._resources(train),
            image=image,
            install=install,
            framework=framework,
            tensorflow=tensorflow,
            notices=tuple(self.notices),
        )

    # ------------------------------------------------------------------ the sections

    def _run(self, train: dict[str, Node]) -> tuple[str | tuple[str, ...], bool]:
        node = self._needed(train, ("train",), "run", "field")
        if isinstance(node.content, list):
            commands = tuple(self._command(item, ("train", "run", i)) for i, item in enumerate(node.content))
            if not commands:
                self._refuse("run is empty; write the command that trains", ("train", "run"))
            return commands, False
        return self._command(node, ("train", "run"), keep=True), self._is_folded(node)

    def _command(self, node: Node, path: Path_, *, keep: bool = False) -> str:
        text = self._text(node, path)
        if not text.strip():
            self._refuse("the command is empty; write the command that trains", path)
        return text if keep or not self._is_folded(node) else CONTINUED.sub(" ", text)

    def _is_folded(self, node: Node) -> bool:
        """Whether the file says `>`: its lines are one, also those that are indented further."""
        lines = Path(self.path).read_text(encoding="utf-8-sig").splitlines()
        return lines[node.line - 1][node.column - 1 :].startswith(">") if node.line <= len(lines) else False

    def _image(self, train: dict[str, Node]) -> tuple[str | None, tuple[str, ...]]:
        image: str | None = None
        install: tuple[str, ...] = ()
        if "image" in train:
            node = train["image"]
            if isinstance(node.content, dict):
                section = self._section(node, ("train", "image"), "image")
                self._only(section, ("train", "image"), ("name", "install"))
                named = self._needed(section, ("train", "image"), "name", "field")
                image = self._text(named, ("train", "image", "name"))
                if "install" in section:
                    install = self._texts(section["install"], ("train", "image", "install"))
            else:
                image = self._text(node, ("train", "image"))
            if image.startswith("-") or not image.strip():  # the engine would take it for an option
                path = ("train", "image", "name") if isinstance(node.content, dict) else ("train", "image")
                self._refuse(
                    f"{_short(image)!r} is no name of an image: it begins with '-' or is empty", path
                )
        if "install" in train:
            install += self._texts(train["install"], ("train", "install"))
        return image, install

    def _framework(self, train: dict[str, Node], image: str | None) -> tuple[str | None, dict[str, Value]]:
        framework = None
        if "framework" in train:
            framework = self._text(train["framework"], ("train", "framework"))
        known: dict[str, Value] = {}
        if "tensorflow" in train:
            section = self._section(train["tensorflow"], ("train", "tensorflow"), "tensorflow")
            self._only(section, ("train", "tensorflow"), TENSORFLOW)
            for name in ("version", "tensorboard"):
                if name in section:
                    known[name] = self._scalar(section[name], ("train", "tensorflow", name))
            self._distributed(section)
            board = known.get("tensorboard")
            if board is not None and not isinstance(board.value, bool):
                self._refuse(
                    f"value must be bool: tensorboard, not {board.text}",
                    ("train", "tensorflow", "tensorboard"),
                )
        if framework is not None and image is None:
            version = f" {known['version'].text}" if "version" in known else ""
            self.notices.append(
                f"framework: {framework}{version} names no image here, so that the trials use what this machine has; "
                "to choose, name an image"
            )
        return framework, known

    def _distributed(self, section: dict[str, Node]) -> None:
        node = section.get("distributed")
        if node is None:
            return
        if isinstance(node.content, Value) and node.content.value in (False, None):
            return
        self._refuse(
            "Luthier does not start one training on several machines; write distributed: false, or let run start it",
            ("train", "tensorflow", "distributed"),
        )

    def _parameters(self, train: dict[str, Node]) -> Space:
        node = train.get("parameters")
        if node is None or (isinstance(node.content, Value) and node.content.value is None):
            return Space(())
        space = declared_space(self.document, node, ("train", "parameters"))
        for parameter in space.parameters:
            path = ("train", "parameters", parameter.name)
            if not NAME.fullmatch(parameter.name):
                self._refuse(
                    f"{parameter.name!r} is no name for a parameter; write letters, digits, '-', '_' and '.'",
                    path,
                )
            if parameter.domain.count() is None:
                self._refuse(
                    f"the parameter {parameter.name} has endless values; list them, or give its range a step",
                    path,
                )
        return Space(sorted(space.parameters, key=lambda parameter: parameter.name))

    def _concurrency(self, train: dict[str, Node]) -> int:
        if "concurrency" not in train:
            return 1
        path = ("train", "concurrency")
        value = self._scalar(train["concurrency"], path)
        if type(value.value) is not int or value.value < 1:
            self._refuse(f"value must be a whole number above 0: concurrency, not {_short(value.text)}", path)
        if value.value > LARGEST_WHOLE:
            self._refuse(
                f"value must be a whole number from 1 to {LARGEST_WHOLE}: concurrency, not {_short(value.text)}",
                path,
            )
        return value.value

    def _resources(self, train: dict[str, Node]) -> Resources:
        if "resources" not in train:
            return Resources(None, None, 0.0, {})
        section = self._section(train["resources"], ("train", "resources"), "resources")
        self._only(section, ("train", "resources"), RESOURCES)
        written = {name: self._number(node, ("train", "resources", name)) for name, node in section.items()}
        cpus, mem, gpus = (written.get(name) for name in RESOURCES)
        if cpus is not None and not cpus.value > 0:
            self._refuse(f"value must be above 0: cpus, not {cpus.text}", ("train", "resources", "cpus"))
        if gpus is not None and (gpus.value < 0 or (gpus.value > 1 and gpus.value != int(gpus.value))):
            self._refuse(f"value must be 0, 1, 2, …: gpus, not {gpus.text}", ("train", "resources", "gpus"))
        return Resources(
            float(cpus.value) if cpus else None,
            self._bytes(mem) if mem else None,
            float(gpus.value) if gpus else 0.0,
            written,
        )

    def _bytes(self, mem: Value) -> int:
        if not mem.value > 0:
            self._refuse(f"value must be above 0: mem, not {mem.text}", ("train", "resources", "mem"))
        if mem.value >= LEAST_MEGABYTES:
            return int(mem.value * MEGABYTE)
        self.notices.append(
            f"mem: {mem.text} is taken as {mem.text} gigabytes; from {LEAST_MEGABYTES} on it is megabytes"
        )
        return int(mem.value * GIGABYTE)

    # ------------------------------------------------------------------ their parts

    def _section(self, node: Node, path: Path_, name: str) -> dict[str, Node]:
        if not isinstance(node.content, dict):
            self._refuse(f"section must be a dict: {name}", path)
        return {key: value for key, (_, value) in node.content.items()}

    def _needed(self, section: dict[str, Node], path: Path_, name: str, what: str) -> Node:
        if name not in section:
            self._refuse(f"missing {what}: {name}", path)
        return section[name]

    def _only(self, section: dict[str, Node], path: Path_, known: Sequence[str]) -> None:
        for name in section:
            if name not in known:
                self._refuse(
                    f"there is no {name!r} here{hint(name, known)}; there are: {', '.join(known)}",
                    (*path, name),
                )

    def _scalar(self, node: Node, path: Path_) -> Value:
        if not isinstance(node.content, Value):
            self._refuse(f"value must be one value, not a list or a dict: {path[-1]}", path)
        return node.content

    def _text(self, node: Node, path: Path_) -> str:
        value = node.content
        if not isinstance(value, Value) or value.value is None:
            self._refuse(f"value must be str: {path[-1]}", path)
        if "\0" in value.text or not is_text(value.text):
            self._refuse(f"{path[-1]} holds a character that no record can keep; leave it out", path)
        return value.text

    def _texts(self, node: Node, path: Path_) -> tuple[str, ...]:
        if not isinstance(node.content, list):
            self._refuse(f"value must be a list: {path[-1]}", path)
        return tuple(self._command(item, (*path, i)) for i, item in enumerate(node.content))

    def _number(self, node: Node, path: Path_) -> Value:
        value = self._scalar(node, path)
        if isinstance(value.value, bool) or not isinstance(value.value, (int, float)):
            self._refuse(f"value must be a number: {path[-1]}, not {_short(value.text)}", path)
        if abs(value.value) > LARGEST:
            self._refuse(f"value must be at most {LARGEST:g}: {path[-1]}, not {_short(value.text)}", path)
        return value

    def _refuse(self, problem: str, path: Path_) -> NoReturn:
        raise self.document.error(problem, path)


def _short(text: str) -> str:
    """A value as an error shows it."""
    return text if len(text) <= 60 else f"{text[:57]}..."

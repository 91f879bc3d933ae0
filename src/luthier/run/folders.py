"""Where everything of a trial lies on disk: the only place that knows the names.

The layout below `trials/` of the store's folder, for people and for every program::

    <experiment>/<number>/          one trial
        configuration.json          its parameters as one JSON object (LUTHIER_PARAMS_FILE); readable by you alone
        checkpoint/                 the program's own; kept from attempt to attempt (LUTHIER_CHECKPOINT_DIR)
        attempt-<k>/                one attempt, from 1 (LUTHIER_RUN_DIR)
            command.json            the words it was started with, where, the parameters as written, its GPUs
            container.json          the image it asked for, the engine that runs it and the container's name, or why none
            ray.json                where on Ray it runs, if it does: the name of its place and whether that is here
            stdout.log, stderr.log  what it printed
            metrics.jsonl           what it reported, one JSON object a line; written by the program (LUTHIER_METRICS)
            metrics.json            final metrics as one JSON object; written by the program, if it likes
            tensorboard/            links to the event files it wrote elsewhere, if it did
            outputs/                whatever it wants to keep (LUTHIER_OUTPUT_DIR)
            guardian.json           who guards it; locked while any process of the attempt is alive
            outcome.json            how it ended: outcome, reason, exit_code, signal, seconds, cpu_seconds,
                                    peak_bytes, began, ended, pid. There once nothing of the attempt is alive
            request.json            how a later driver asked it to end, if one did
            asks-should-stop        there when the program has called luthier.should_stop()
            should-stop             why it is to end early; what luthier.should_stop() looks for
    <experiment>/code.json          the digests of the files its command names, to notice when they change
    <experiment>/without-container  why its trials run without the container it asked for, when it was last driven

Creating a trial costs four folders and two small files, about 0.1 ms.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from luthier.run import _layout

__all__ = ["AttemptFolder", "Folders"]


class AttemptFolder(NamedTuple):
    """One attempt's files. `path` is its folder, `trial` the trial's."""

    trial: str
    path: str

    @property
    def configuration(self) -> str:
        """The trial's parameters as JSON."""
        return f"{self.trial}/{_layout.CONFIGURATION}"

    @property
    def checkpoint(self) -> str:
        """The folder that survives attempts."""
        return f"{self.trial}/{_layout.CHECKPOINT}"

    @property
    def outputs(self) -> str:
        """The program's outputs."""
        return f"{self.path}/{_layout.OUTPUTS}"

    @property
    def metric_lines(self) -> str:
        """Where the program reports, one JSON object a line."""
        return f"{self.path}/{_layout.METRIC_LINES}"

    @property
    def metrics(self) -> str:
        """Where the program may leave its final metrics."""
        return f"{self.path}/{_layout.METRICS}"

    @property
    def stdout(self) -> str:
        """What it printed."""
        return f"{self.path}/{_layout.STDOUT}"

    @property
    def stderr(self) -> str:
        """What it printed to standard error."""
        return f"{self.path}/{_layout.STDERR}"

    @property
    def outcome(self) -> str:
        """How it ended."""
        return f"{self.path}/{_layout.OUTCOME}"

    @property
    def asks(self) -> str:
        """There when the program asks whether it is to end."""
        return f"{self.path}/{_layout.ASKS}"

    @property
    def should_stop(self) -> str:
        """There when it is to end."""
        return f"{self.path}/{_layout.SHOULD_STOP}"

    @property
    def guardian(self) -> str:
        """Who guards it."""
        return f"{self.path}/{_layout.GUARDIAN}"

    @property
    def command(self) -> str:
        """The words it was started with."""
        return f"{self.path}/{_layout.COMMAND}"

    def prepare(
        self,
        *,
        argv: Sequence[str],
        cwd: str,
        texts: Mapping[str, str],
        values: Mapping[str, Any],
        devices: Sequence[str] | None = None,
        renew: bool = False,
    ) -> None:
        """Creates the folders and writes the configuration and the command, with the GPUs it will hold.

        **Holds** may be repeated; the configuration of an earlier attempt is left as it is, unless it is to `renew`.
        **Raises** OSError when the disk refuses.
        """
        is_known = False
        try:
            os.mkdir(self.trial)
        except FileNotFoundError:
            os.makedirs(self.trial, exist_ok=True)
        except FileExistsError:
            is_known = not renew and os.path.exists(self.configuration)
        for folder in (self.checkpoint, self.path, self.outputs):
            try:
                os.mkdir(folder)
            except FileExistsError:
                pass
        if not is_known:
            _write(self.configuration, values, 0o600)
        # The texts are the parameters again: as private as the configuration.
        command = {"argv": list(argv), "cwd": cwd, "texts": dict(texts), "devices": devices and list(devices)}
        _write(self.command, command, 0o600)

    def devices(self) -> tuple[str, ...]:
        """The GPUs the attempt was given, for the driver that adopts it; empty where that isn't known."""
        try:
            with open(self.command, encoding="utf-8") as file:
                return tuple(json.load(file)["devices"] or ())
        except (OSError, ValueError, KeyError):
            return ()


def _write(path: str, content: Mapping[str, Any], mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        rest = json.dumps(content).encode() + b"\n"
        while rest:
            rest = rest[os.write(fd, rest) :]
    finally:
        os.close(fd)


class Folders:
    """All trials' folders of a store. `root` is the store's folder, made absolute."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()
        self._trials = f"{self.root}/trials"

    def attempt(self, experiment: int, number: int, attempt: int) -> AttemptFolder:
        """The files of one attempt. Touches nothing."""
        trial = self.trial(experiment, number)
        return AttemptFolder(trial, f"{trial}/attempt-{attempt}")

    def trial(self, experiment: int, number: int) -> str:
        """The folder of one trial."""
        return f"{self._trials}/{experiment}/{number}"

    def experiment(self, experiment: int) -> str:
        """The folder of all trials of an experiment."""
        return f"{self._trials}/{experiment}"

    def code(self, experiment: int) -> str:
        """The digests of the files that the command of an experiment names."""
        return f"{self._trials}/{experiment}/code.json"

    def without(self, experiment: int) -> str:
        """Why the trials of an experiment run without the container it asked for; empty where they run in it."""
        return f"{self._trials}/{experiment}/without-container"

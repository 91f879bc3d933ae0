"""The runner of programs keeps the runner's contract."""

from pathlib import Path

from luthier.run.command import CommandRunner
from luthier.testing.runner import RunnerContract


class TestCommandRunner(RunnerContract):
    def make(self, root: Path) -> CommandRunner:
        return CommandRunner(root)

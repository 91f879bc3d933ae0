"""The command of a run as Spell took it: its words joined by blanks and given to a shell, far away.

Here it needs a shell only where it holds something a shell reads. Else its words are run as they are, so that a value may
hold anything. A word that was quoted stays one word: Spell lost such quotes.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence

from luthier.compat.spell.errors import SpellError
from luthier.description import Command
from luthier.space import Space

__all__ = ["check_places", "check_program", "command_of", "shown"]

_OPERATORS = {"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1", "&>", "(", ")"}
_PLAIN = re.compile(r"[\w@%+=:,./{}-]+( +[\w@%+=:,./{}-]+)*")
_BUILTINS = [
    "cd",
    "exit",
    "export",
    "source",
    ".",
    "set",
    "unset",
    "ulimit",
    "umask",
    "eval",
    "exec",
    "trap",
    "shift",
    "wait",
    "read",
    ":",
]
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def command_of(words: Sequence[str], directory: str, tensorboard: str | None = None) -> Command:
    """The command to run in `directory`. **Raises** SpellError for an empty one."""
    if not any(word.strip() for word in words):
        raise SpellError("the command is missing; write it after the options")
    text = words[0].strip() if len(words) == 1 else ""
    if text and _PLAIN.fullmatch(text):
        words = text.split()
    elif text:
        return Command((text,), directory, shell=True, tensorboard=tensorboard)
    needs_shell = words[0] in _BUILTINS or _ASSIGNMENT.match(words[0])
    if needs_shell or any(map(_is_for_a_shell, words)):
        joined = " ".join(word if _is_for_a_shell(word) else _quoted(word) for word in words)
        return Command((joined,), directory, shell=True, tensorboard=tensorboard)
    return Command(tuple(words), directory, tensorboard=tensorboard)


def _is_for_a_shell(word: str) -> bool:
    """Whether a word means something else to a shell, and was given so that it does."""
    if word in _OPERATORS or word.startswith("~"):
        return True
    return not any(c.isspace() for c in word) and (word.endswith(";") or any(c in word for c in "$`*?<>"))


def _quoted(word: str) -> str:
    return word if _PLAIN.fullmatch(word) and " " not in word else shlex.quote(word)


def check_program(command: Command) -> None:
    """Makes sure that the program is there, before runs are spent on finding out. **Raises** SpellError naming it."""
    program = command.words[0]
    if command.shell or any(sign in program for sign in (":", "{{", "/")):
        return
    if shutil.which(program) is None:
        raise SpellError(f"the program '{program}' was not found; check its name, or give its path")


def check_places(command: Command, space: Space) -> None:
    """Makes sure that every parameter stands in the command, as Spell asks. **Raises** SpellError naming one that does not."""
    whole = " ".join(command.words)
    for name in space.names:
        if not re.search(rf":{re.escape(name)}:|\{{\{{\s*{re.escape(name)}\s*\}}\}}", whole):
            raise SpellError(
                f"param '{name}' is not in the command: write :{name}: where its values are to stand "
                f"(the command is: {shown(command)})"
            )


def shown(command: Command) -> str:
    """The command as it was typed, its words joined by blanks."""
    return " ".join(command.words)

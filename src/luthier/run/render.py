"""Turns a command with placeholders, and a configuration, into the words of a program.

`:name:` and `{{name}}` (with spaces inside the braces, if you like) are replaced wherever they stand, by the values as
they are written: numbers as listed or in their shortest form, `true`, `false`, `null` and lists as JSON, text as it is.
All are replaced in one pass, so a value that looks like a placeholder stays what it is.

A command given as words never meets a shell: a value stays inside its own word, whatever it holds. A command given as
one string runs under `sh -c`; there a value may hold only what no shell reads as anything else.

A parameter that is not active (its condition fails) has no value. As words: a word that is nothing but its placeholder
is dropped, with the flag before it (`--depth :depth:`); so is `--depth=:depth:`; elsewhere, and in a string for the
shell, it becomes the empty text. This module must not know how the words are run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from luthier.description import Command
from luthier.errors import CommandError
from luthier.run.environment import parameter_variable
from luthier.space.nearest import hint

__all__ = ["check_command", "is_plain", "render"]

SAFE = re.compile(r"[A-Za-z0-9_.,:/+=@%-]*")
SAFE_IN_WORDS = "A-Z a-z 0-9 _ . , : / + = @ % -"
BRACES = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
COLONS = re.compile(r":([A-Za-z_][A-Za-z0-9_-]*):")
SHELL = "/bin/sh"


class _Template(NamedTuple):
    """A command, cut once: each word is a list of texts and names that alternate, beginning with a text."""

    words: tuple[tuple[str, ...], ...]
    appended: tuple[str, ...]
    warnings: tuple[str, ...]


def is_plain(text: str) -> bool:
    """Whether a value may stand anywhere in any command."""
    return text != "" and SAFE.fullmatch(text) is not None


def check_command(command: Command, names: Iterable[str]) -> list[str]:
    """Makes sure the command can be rendered for a space with these parameters, and returns warnings about it.

    **Raises** CommandError for an unknown `{{x}}`, a parameter the program would never see, or a NUL.
    """
    return list(_cut(command, tuple(names)).warnings)


def render(command: Command, texts: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    """The words of one trial. `names` are all parameters of the space; those without a text are not active.

    **Raises** CommandError when a value can't be part of a command.
    """
    template = _cut(command, tuple(names))
    for name, text in texts.items():
        _refuse_unspeakable(name, text)
    if command.shell:
        return (SHELL, "-c", _render_string(template, texts))
    words: list[str] = []
    flag = False  # whether the last word is a flag that may have been waiting for a value
    for parts in template.words:
        if not _is_dropped(parts, texts):
            words.append("".join([texts.get(p, "") if i % 2 else p for i, p in enumerate(parts)]))
            flag = len(parts) == 1 and parts[0].startswith("-") and "=" not in parts[0] and parts[0] != "--"
        elif flag and parts == ("", parts[1], ""):
            words.pop()
            flag = False
    words += [f"--{name}={texts[name]}" for name in template.appended if name in texts]
    if not words or not words[0]:
        raise CommandError("the command has no program: its first word is empty for this configuration")
    return tuple(words)


def _is_dropped(parts: tuple[str, ...], texts: Mapping[str, str]) -> bool:
    """Whether the word is `:x:` or `something=:x:` and x is not active."""
    if len(parts) != 3 or parts[1] in texts or parts[2]:
        return False
    return parts[0] == "" or parts[0].find("=") == len(parts[0]) - 1


def _render_string(template: _Template, texts: Mapping[str, str]) -> str:
    parts = template.words[0]
    used = {*parts[1::2], *template.appended}
    for name, text in texts.items():
        if name in used and not SAFE.fullmatch(text):
            raise CommandError(
                f"the value {text!r} of {name} can't be put into a command for the shell, where it may hold only "
                f"{SAFE_IN_WORDS}; give the command as words instead of one string, or let it read "
                f'"${parameter_variable(name)}"'
            )
    whole = "".join([texts.get(part, "") if i % 2 else part for i, part in enumerate(parts)])
    for name in template.appended:
        if name in texts:
            if not SAFE.fullmatch(name):
                raise CommandError(
                    f"the name {name!r} can't be put into a command for the shell; give it as words"
                )
            whole += f" --{name}={texts[name]}"
    return whole


def _refuse_unspeakable(name: str, text: str) -> None:
    if "\0" in text:
        raise CommandError(f"the value {text!r} of {name} holds a NUL, which no command line can carry")
    if not text.isascii():
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise CommandError(f"the value {text!r} of {name} is not valid Unicode text") from None


@lru_cache(maxsize=64)
def _cut(command: Command, names: tuple[str, ...]) -> _Template:
    """Cuts the words of a command at its placeholders and checks them."""
    words = command.words
    if not words or not words[0].strip():
        raise CommandError("the command is empty; name the program that is to be tuned")
    if command.shell and len(words) != 1:
        raise CommandError("a command for the shell is one string; give several words without a shell")
    for word in (*words, command.directory):
        if "\0" in word:
            raise CommandError(f"the command holds a NUL in {word!r}, which no command line can carry")
    if not command.is_lenient:
        _refuse_unknown(words, names)
    known = "|".join(sorted((re.escape(name) for name in names), key=len, reverse=True)) or "(?!)"
    placeholder = re.compile(rf":({known}):|\{{\{{\s*({known})\s*\}}\}}")
    cut = tuple(tuple(_parts(placeholder, word)) for word in words)
    missing = [name for name in names if not any(name in parts[1::2] for parts in cut)]
    if missing and not command.as_args and not command.from_environment:
        raise CommandError(_unseen(missing))
    appended = tuple(missing) if command.as_args else ()
    if appended and command.shell and any(sign in words[0] for sign in "|;&<>\n"):
        raise CommandError(
            f"--as-args can't tell which program of {words[0]!r} wants {appended[0]}; "
            f"write :{appended[0]}: where it should stand"
        )
    return _Template(cut, appended, (*_unknown_colons(words, names), *_same_variable(names)))


def _parts(placeholder: re.Pattern[str], word: str) -> list[str]:
    parts = []
    at = 0
    for match in placeholder.finditer(word):
        parts += [word[at : match.start()], match[1] or match[2]]
        at = match.end()
    return [*parts, word[at:]]


def _unseen(missing: list[str]) -> str:
    noun, it = ("parameter", "it") if len(missing) == 1 else ("parameters", "them")
    places = " ".join(f":{name}:" for name in missing)
    return (
        f"the command has no place for the {noun} {', '.join(missing)}: write {places} where {it} should stand, "
        f"or use --as-args to append {it}, or --from-env if the program reads {parameter_variable(missing[0])}"
    )


def _refuse_unknown(words: tuple[str, ...], names: tuple[str, ...]) -> None:
    for word in words:
        for match in BRACES.finditer(word):
            if match[1] not in names:
                have = ", ".join(names) or "none"
                raise CommandError(
                    f"the command names {match[0]}, and there is no parameter {match[1]!r}{hint(match[1], names)}; "
                    f"the parameters are: {have}"
                )


def _unknown_colons(words: tuple[str, ...], names: tuple[str, ...]) -> list[str]:
    warnings = []
    for word in words:
        for match in COLONS.finditer(word):
            if match[1] not in names:
                like = hint(match[1], names)
                warnings.append(f"{match[0]} in {word!r} is no parameter and is left as it is{like}")
    return warnings


def _same_variable(names: tuple[str, ...]) -> list[str]:
    variables: dict[str, str] = {}
    warnings = []
    for name in names:
        other = variables.setdefault(parameter_variable(name), name)
        if other != name:
            variable = parameter_variable(name)
            warnings.append(
                f"{other} and {name} are both {variable} in the environment; read LUTHIER_PARAMS instead"
            )
    return warnings

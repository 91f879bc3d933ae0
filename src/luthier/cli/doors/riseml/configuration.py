"""Writes `riseml-configuration.yml`, which each output folder holds: the file with this sub-experiment's own values.

Its keys are sorted, and `run` stands as it stood, placeholders and all. It is a template of `run.templates`: there the
parameters are filled in, and what only looks like a template is not.
"""

from __future__ import annotations

import json
import re

from luthier.cli.doors.riseml.config import Job
from luthier.space import Value

__all__ = ["FILE", "configuration"]

FILE = "riseml-configuration.yml"
PLAIN = re.compile(r"[A-Za-z0-9_/.+-](?:[A-Za-z0-9_/.+=,@%-]|:(?! )| (?! |#|$))*")
OTHER = re.compile(r"(?i)true|false|yes|no|on|off|y|n|null|~|[-+.0-9].*|.*:")


def configuration(job: Job, revision: str) -> str:
    """The text of the file, a template for each sub-experiment."""
    lines = []
    if job.framework is not None:
        lines.append(f"framework: {_text(job.framework)}")
    if job.image is not None:
        lines += ["image:", *([] if not job.install else ["  install:", *_items(job.install)])]
        lines.append(f"  name: {_text(job.image)}")
    if job.is_set:
        lines.append("params:")
        lines += [f"  {_text(name)}: {{{{{name}|yaml}}}}" for name in job.space.names]
    lines.append(f"project: {_text(job.project)}")
    if job.resources.written:
        lines.append("resources:")
        lines += [f"  {name}: {_value(value)}" for name, value in sorted(job.resources.written.items())]
    lines += [*([f"revision: {revision}"] if revision else []), "run:", *_run(job)]
    if job.tensorflow:
        lines.append("tensorflow:")
        lines += [f"  {name}: {_value(value)}" for name, value in sorted(job.tensorflow.items())]
    return "\n".join(lines) + "\n"


def _run(job: Job) -> list[str]:
    if isinstance(job.run, tuple):
        return ["  run:", *_items(job.run)]
    if "\n" not in job.run:
        return [f"  run: {_text(job.run)}"]
    style = ">-" if job.is_folded else "|-"
    return [f"  run: {style}", *(f"    {line}" if line else "" for line in _verbatim(job.run).split("\n"))]


def _items(texts: tuple[str, ...]) -> list[str]:
    return [f"  - {_text(text)}" for text in texts]


def _value(value: Value) -> str:
    """A value as it is written: text in quotes where it would be read as anything else."""
    return _text(value.value) if isinstance(value.value, str) else value.text


def _text(text: str) -> str:
    plain = PLAIN.fullmatch(text) and not OTHER.fullmatch(text)
    return _verbatim(text if plain else json.dumps(text, ensure_ascii=False))


def _verbatim(text: str) -> str:
    """A text in which nothing is filled in."""
    return re.sub(r"\{\{|\$(?=\{LUTHIER_)", lambda found: "{{!}}" if found[0] == "{{" else "{{$}}", text)

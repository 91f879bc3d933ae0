"""Which tool a file or a command line is of, and the file of `luthier run` that is made of it.

Every reader maps what it can and says of the rest, in a sentence each, what it is and why it has no place. `checked_text`
makes sure that the file is one that `luthier run` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from luthier.errors import LuthierError, UsageError
from luthier.job.document import Document, parse_document
from luthier.job.foreign.search import Search
from luthier.job.native import EXPANDED
from luthier.job.writing import block

__all__ = ["checked_text", "command_line_search", "file_search", "kind_of"]


def kind_of(document: Document) -> str | None:
    """What describes a search in a document: `katib`, `wandb`, `riseml`, `native`, `parameters`; None where nothing does."""
    content = document.root.content
    if not isinstance(content, dict) or not content:
        return None
    if "apiVersion" in content and "spec" in content:
        return "katib"
    if "train" in content and ("project" in content or isinstance(content["train"][1].content, dict)):
        return "riseml"
    if "parameters" in content and (
        "method" in content or ("program" in content and "command" not in content)
    ):
        return "wandb"
    if "parameters" in content and "command" in content:
        return "native"
    return "parameters"


def file_search(kind: str, document: Document) -> Search:
    """The search of a W&B sweep or a Katib experiment.

    **Raises** UsageError beginning with file:line:column.
    """
    if kind == "wandb":
        from luthier.job.foreign.wandb import wandb_search

        return wandb_search(document)
    from luthier.job.foreign.katib import katib_search

    return katib_search(document)


def command_line_search(kind: str, words: Sequence[str]) -> Search:
    """The search of a command line of Orion's or Guild's.

    **Raises** UsageError for a prior that can't be read.
    """
    if kind == "orion":
        from luthier.job.foreign.orion import orion_search

        return orion_search(words)
    from luthier.job.foreign.guild import guild_search

    return guild_search(words)


def checked_text(search: Search, folder: Path | None = None) -> str:
    """The native file, once it is known that it can be read.

    **Raises** UsageError for what can't be searched, such as a list that holds a value twice.
    """
    from luthier.job.reading import job_of

    text = block({key: value for key, value in search.tree.items() if value not in (None, {}, [])}, EXPANDED)
    try:
        job_of(parse_document(f"the file made of {search.of}", text), ".", folder or Path.cwd())
    except LuthierError as error:
        raise UsageError(f"this makes no file that could be run: {error}") from None
    return text

"""The rule by which two workers never write the same configuration: the compare-and-set of proposals.

A proposal says up to which revision its searcher had seen the record. Whatever was written later it could not avoid;
if that holds the same configuration, the proposal is refused, and its searcher looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from luthier.trial import Proposal

__all__ = ["without_twins"]


def without_twins(
    proposals: Sequence[tuple[int, Proposal]], keys_since: Callable[[int], set[str]]
) -> list[tuple[int, Proposal]]:
    """The proposals whose configuration was not written since the revision they saw, nor stands before them here.

    `keys_since` gives the keys of all configurations that were first written after a revision.
    """
    kept: list[tuple[int, Proposal]] = []
    mine: set[str] = set()
    for number, proposal in proposals:
        key = proposal.configuration.key
        if key not in mine and key not in keys_since(proposal.seen):
            mine.add(key)
            kept.append((number, proposal))
    return kept

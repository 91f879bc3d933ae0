"""The trials of a search: hyperopt's documents in a list, with what its users ask of them.

`TrialsBook` is all of `Trials` but `fmin` (`fmin.py` adds it, so that no module needs the one that needs it). A trial
that has ended is final: what is computed of it is remembered, so that a search of ten thousand trials looks at each
once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from luthier.compat.hyperopt.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    JOB_VALID_STATES,
    STATUS_FAIL,
    STATUS_OK,
    Document,
    SONify,
    checked,
    loss_of,
    miscs_to_idxs_vals,
    spec_from_misc,
)
from luthier.compat.hyperopt.exceptions import AllTrialsFailed

__all__ = ["Attachments", "Ctrl", "TrialsBook"]

logger = logging.getLogger(__name__)

OPEN = (JOB_STATE_NEW, JOB_STATE_RUNNING)


class Attachments:
    """What one trial attached, by name."""

    def __init__(self, kept: dict[str, Any], tid: Any) -> None:
        self._kept = kept
        self._prefix = f"ATTACH::{tid}::"

    def __contains__(self, name: object) -> bool:
        return f"{self._prefix}{name}" in self._kept

    def __getitem__(self, name: str) -> Any:
        return self._kept[self._prefix + name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._kept[self._prefix + name] = value

    def __delitem__(self, name: str) -> None:
        del self._kept[self._prefix + name]

    def keys(self) -> list[str]:
        """The names."""
        return [name.removeprefix(self._prefix) for name in self._kept if name.startswith(self._prefix)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())


class TrialsBook:
    """Documents in the order they were proposed. `trials` shows those as of the last `refresh`, without the ones that
    ended with an exception; `stop_reason` says why the last search ended."""

    asynchronous = False

    def __init__(self, exp_key: Any = None, refresh: bool = True) -> None:
        self._ids: set[Any] = set()
        self._dynamic_trials: list[Document] = []
        self._exp_key = exp_key
        self.attachments: dict[str, Any] = {}
        self.stop_reason: str | None = None
        self.search_seed: int | None = None
        self._ended: list[Document] = []
        self._settled = 0
        self._trials: list[Document] = []
        self._space: Any = None
        if refresh:
            self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        # What is made of the documents is made again; the space may hold objects that can't be pickled.
        return {**self.__dict__, "_space": None, "_ended": [], "_settled": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.refresh()

    def view(self, exp_key: Any = None, refresh: bool = True) -> Any:
        """The same trials, or those of one experiment key."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._exp_key, other._ended, other._settled = exp_key, [], 0
        if refresh:
            other.refresh()
        return other

    # ------------------------------------------------------------------ reading

    def refresh(self) -> None:
        """Makes `trials` show the documents as they are now."""
        self._ended, self._settled = [], 0
        self.follow()

    def follow(self) -> None:
        """As `refresh`, looking only at the documents that had not ended the last time. **Cost** O(what changed)."""
        docs = self._dynamic_trials
        while self._settled < len(docs) and docs[self._settled]["state"] not in OPEN:
            if self._is_shown(docs[self._settled]):
                self._ended.append(docs[self._settled])
            self._ids.add(docs[self._settled]["tid"])
            self._settled += 1
        rest = [doc for doc in docs[self._settled :] if self._is_shown(doc)]
        self._ids.update(doc["tid"] for doc in rest)
        self._trials = self._ended + rest

    def _is_shown(self, doc: Document) -> bool:
        return doc["state"] in JOB_VALID_STATES and (self._exp_key is None or doc["exp_key"] == self._exp_key)

    def open_documents(self, *states: int) -> list[Document]:
        """The documents in these states among those that had not ended at the last look."""
        return [doc for doc in self._dynamic_trials[self._settled :] if doc["state"] in (states or OPEN)]

    def __iter__(self) -> Iterator[Document]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)

    def __getitem__(self, item: Any) -> Any:
        raise NotImplementedError("a number could be a place or an id; use trials.trials[place]")

    @property
    def trials(self) -> list[Document]:
        """The documents."""
        return self._trials

    @property
    def tids(self) -> list[Any]:
        """The ids."""
        return [doc["tid"] for doc in self._trials]

    @property
    def specs(self) -> list[Any]:
        """What `new_trial_docs` was given as specs; hyperopt keeps None there."""
        return [doc["spec"] for doc in self._trials]

    @property
    def results(self) -> list[dict[str, Any]]:
        """What the objective returned."""
        return [doc["result"] for doc in self._trials]

    @property
    def miscs(self) -> list[dict[str, Any]]:
        """Ids, values and what else is known of each trial."""
        return [doc["misc"] for doc in self._trials]

    @property
    def idxs_vals(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """For every label the ids of the trials that have it, and its values there."""
        return miscs_to_idxs_vals(self.miscs, {label: None for misc in self.miscs for label in misc["idxs"]})

    @property
    def idxs(self) -> dict[str, list[Any]]:
        """For every label the ids of the trials that have it."""
        return self.idxs_vals[0]

    @property
    def vals(self) -> dict[str, list[Any]]:
        """For every label its values."""
        return self.idxs_vals[1]

    def losses(self, bandit: Any = None) -> list[Any]:
        """The loss of every trial, None where there is none."""
        if bandit is not None:
            return [bandit.loss(doc["result"], doc["spec"]) for doc in self._trials]
        return [doc["result"].get("loss") for doc in self._trials]

    def statuses(self, bandit: Any = None) -> list[Any]:
        """The status of every trial."""
        if bandit is not None:
            return [bandit.status(doc["result"], doc["spec"]) for doc in self._trials]
        return [doc["result"].get("status") for doc in self._trials]

    @property
    def best_trial(self) -> Document:
        """The first of the trials with the smallest loss. **Raises** AllTrialsFailed where none has one."""
        scored = [(loss, doc) for doc in self._trials if (loss := loss_of(doc)) is not None]
        if not scored:
            raise AllTrialsFailed(self._all_failed())
        return min(scored, key=lambda one: one[0])[1]

    def _all_failed(self) -> str:
        count = len(self._dynamic_trials)
        if not count:
            return "there is no trial yet; run fmin first"
        said = self.failures[-1:] or [(None, f"it returned {self._dynamic_trials[-1]['result']}")]
        return (
            f"none of {count} trials has a loss; of the last one it is known: {said[0][1]}; look at trials.failures and "
            "at the objective"
        )

    @property
    def argmin(self) -> dict[str, Any]:
        """The values of the best trial, choices as indices; `space_eval` turns them into the point, `best_params` into
        values."""
        return spec_from_misc(self.best_trial["misc"])

    @property
    def best_params(self) -> dict[str, Any]:
        """The values of the best trial as the objective got them: the chosen options instead of their indices. Trials
        that were read from a file, and so know no space, tell the options' names where they are objects."""
        best = self.best_trial["misc"]
        if self._space is not None:
            return self._space.real(self.argmin)  # type: ignore[no-any-return]
        return dict(best.get("values") or self.argmin)

    @property
    def failures(self) -> list[tuple[Any, str]]:
        """The trials that raised an exception or returned status fail: id, and what is known of why."""
        found = []
        for doc in self._dynamic_trials:
            if doc["state"] == JOB_STATE_ERROR:
                kind, said = doc["misc"].get("error", ("", ""))
                kind = kind.removeprefix("<class '").removesuffix("'>")
                found.append((doc["tid"], f"{kind}: {said}"))
            elif doc["result"].get("status") == STATUS_FAIL:
                known = {key: value for key, value in doc["result"].items() if key != "status"}
                found.append((doc["tid"], f"status fail{f', {known}' if known else ''}"))
        return found

    def average_best_error(self, bandit: Any = None) -> float:
        """The true loss of the best trial; where losses have a variance, the mean true loss of those that may be the
        best, by how probable that is. **Raises** ValueError where no trial has a loss."""
        from luthier.compat.hyperopt.expected_best import expected_true_loss

        rows = []
        for doc in self._trials:
            result = doc["result"]
            if result.get("status") != STATUS_OK or (bandit is None and result.get("loss") is None):
                continue
            if bandit is None:
                rows.append(
                    (result["loss"], result.get("loss_variance", 0), result.get("true_loss", result["loss"]))
                )
            else:
                rows.append((bandit.loss(result), bandit.loss_variance(result), bandit.true_loss(result)))
        return expected_true_loss(rows)

    # ------------------------------------------------------------------ writing

    def aname(self, trial: Document, name: str) -> str:
        """The key of a trial's attachment."""
        return f"ATTACH::{trial['tid']}::{name}"

    def trial_attachments(self, trial: Document) -> Attachments:
        """What a trial attached, to read and to write."""
        return Attachments(self.attachments, trial["tid"])

    def assert_valid_trial(self, trial: Any) -> Document:
        """The document, if it is one of these trials. **Raises** InvalidTrial."""
        return checked(trial, self._exp_key)

    def insert_trial_doc(self, doc: Document) -> Any:
        """Adds a document and returns its id; `refresh` shows it."""
        return self.insert_trial_docs([doc])[0]

    def insert_trial_docs(self, docs: Iterable[Document]) -> list[Any]:
        """Adds documents and returns their ids; `refresh` shows them."""
        return self._insert_trial_docs([self.assert_valid_trial(SONify(doc)) for doc in docs])

    def _insert_trial_docs(self, docs: Sequence[Document]) -> list[Any]:
        self._dynamic_trials.extend(docs)
        return [doc["tid"] for doc in docs]

    def new_trial_ids(self, n: int) -> list[Any]:
        """Ids that no trial has."""
        made: list[Any] = []
        number = len(self._ids)
        while len(made) < n:
            if number not in self._ids:
                made.append(number)
            number += 1
        self._ids.update(made)
        return made

    def new_trial_docs(
        self, tids: Sequence[Any], specs: Sequence[Any], results: Sequence[Any], miscs: Sequence[Any]
    ) -> list[Document]:
        """Documents of new trials, not yet added."""
        return [
            {
                "state": JOB_STATE_NEW,
                "tid": tid,
                "spec": spec,
                "result": result,
                "misc": misc,
                "exp_key": self._exp_key,
                "owner": None,
                "version": 0,
                "book_time": None,
                "refresh_time": None,
            }
            for tid, spec, result, misc in zip(tids, specs, results, miscs, strict=True)
        ]

    def source_trial_docs(
        self,
        tids: Sequence[Any],
        specs: Sequence[Any],
        results: Sequence[Any],
        miscs: Sequence[dict[str, Any]],
        sources: Sequence[Document],
    ) -> list[Document]:
        """Documents that came of other trials, with their state and times."""
        docs = self.new_trial_docs(tids, specs, results, miscs)
        for doc, source in zip(docs, sources, strict=True):
            inherited = ("state", "exp_key", "owner", "book_time", "refresh_time")
            doc.update({key: source[key] for key in inherited})
            for key, value in (("tid", doc["tid"]), ("cmd", None), ("from_tid", source["tid"])):
                doc["misc"].setdefault(key, value)
        return docs

    def delete_all(self) -> None:
        """Forgets everything."""
        self._dynamic_trials, self.attachments, self._ids = [], {}, set()
        self.search_seed = self.stop_reason = None
        self.refresh()

    # ------------------------------------------------------------------ counting

    def count_by_state_synced(self, arg: Any, trials: Iterable[Mapping[str, Any]] | None = None) -> int:
        """How many trials were in a state, or in one of several, at the last refresh."""
        states = {arg} if isinstance(arg, int) else set(arg)
        if not states <= set(JOB_STATES):
            raise TypeError(arg)
        return sum(doc["state"] in states for doc in (self._trials if trials is None else trials))

    def count_by_state_unsynced(self, arg: Any) -> int:
        """How many trials are in a state, or in one of several, now."""
        mine = (d for d in self._dynamic_trials if self._exp_key is None or d["exp_key"] == self._exp_key)
        return self.count_by_state_synced(arg, mine)


class Ctrl:
    """What an objective that asks for it may do to its own trial: attach things, keep a first result."""

    def __init__(self, trials: Any = None, current_trial: Document | None = None) -> None:
        self.trials = TrialsBook() if trials is None else trials
        self.current_trial = current_trial

    info = logger.info
    warn = logger.warning
    error = logger.error
    debug = logger.debug

    def checkpoint(self, r: Any = None) -> None:
        """Keeps a result before the trial has ended."""
        if r is not None and self.current_trial is not None:
            self.current_trial["result"] = r

    @property
    def attachments(self) -> Attachments:
        """What this trial attached."""
        assert self.current_trial is not None
        attached: Attachments = self.trials.trial_attachments(self.current_trial)
        return attached

    def inject_results(
        self, specs: Sequence[Any], results: Sequence[Any], miscs: Sequence[Any], new_tids: Any = None
    ) -> list[Any]:
        """Adds trials that this one has evaluated besides."""
        assert self.current_trial is not None
        tids = self.trials.new_trial_ids(len(specs)) if new_tids is None else new_tids
        docs = self.trials.source_trial_docs(tids, specs, results, miscs, [self.current_trial] * len(tids))
        for doc in docs:
            doc["state"] = JOB_STATE_DONE
        added: list[Any] = self.trials.insert_trial_docs(docs)
        return added

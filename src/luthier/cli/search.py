"""`luthier grid` and `luthier random`, and what every search of the command line does: describe it, refuse what can't
work, go on with it or begin it, and say what was found. The searches that learn, `bayesian` and `tune`, are `tune.py`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import Example
from luthier.cli.describe import Asked, F, describe, search_options
from luthier.cli.native import show, with_show_native
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, many, say, short, table
from luthier.cli.placing import with_on
from luthier.cli.searching import How, conduct
from luthier.cli.source import asked_from, needs_command, with_source
from luthier.cli.stages import schedule
from luthier.cli.tries import queue_tries, read_tries, with_tries
from luthier.description import Algorithm, Description
from luthier.drive.alive import Alive
from luthier.drive.session import parallel_slots
from luthier.errors import UsageError
from luthier.run.render import render
from luthier.search import ALGORITHMS, LEARNING, explain_choice, searcher
from luthier.search.around import Known, passes_over, propose_around
from luthier.space import Configuration
from luthier.store import ExperimentRecord, Store
from luthier.store.location import FOLDER
from luthier.store.past import history_of

if TYPE_CHECKING:
    from luthier.cli.warm_start import Earlier

__all__ = [
    "COMMANDS",
    "SETTINGS",
    "grid",
    "project_of",
    "random",
    "running_options",
    "search",
    "search_for",
    "search_from",
]

SETTINGS = {"allow_interspersed_args": False}
BEGINNING = 5
"""How many proposals of a search that learns a dry run shows, unless it is said how many run side by side."""

GRID = """
luthier grid --param rate=0.001,0.01,0.1,1 --param layers=2,3,5,10 --metric accuracy -- \\
    python train.py --learning_rate :rate: --num_layers :layers:
"""

RANDOM = """
luthier random --num-runs 10 --param rate=.001:1.0:log --param layers=2:100:linear:int \\
    --param cell=gru,lstm,rnn --metric loss --minimize -- \\
    python train.py --learning_rate :rate: --num_layers :layers: --cell_type :cell:
"""


_RUNNING: list[Callable[[F], F]] = [
    click.option("--new", "fresh", is_flag=True, help="Start another experiment, even if this one exists."),
    click.option("--detach", is_flag=True, help="Run in the background; see it with list and logs -f."),
    click.option("--dashboard", is_flag=True, help="With a page in your browser while it runs."),
    click.option(
        "--check/--no-check",
        "check",
        default=None,
        help="Begin three trials at most until one has not failed, and look at the first ones (default: yes; bayesian: no).",
    ),
    click.option(
        "--dry-run", is_flag=True, help="Only show the trials that would run, and the first command."
    ),
    with_show_native,
    with_on,
    click.option("-q", "--quiet", is_flag=True, help="Only failures and the result."),
    as_json,
    with_store,
]


def running_options(function: F) -> F:
    """Gives a click command the options about how a search is run."""
    for option in reversed(_RUNNING):
        function = option(function)
    return function


@click.command(cls=Example, context_settings=SETTINGS, example=GRID)
@with_source
@running_options
@search_options
def grid(**options: Any) -> int:
    """Tries every combination of the listed values, in the order they are declared: the first parameter slowest.

    Type the same command again to go on where it stopped. Everything after the options, or after --, is the command;
    :NAME: and {{NAME}} in it are replaced by each trial's values.
    """
    if options["source"] is not None:
        return search_from("grid", options)
    return search(Algorithm("grid"), options)


@click.command(cls=Example, context_settings=SETTINGS, example=RANDOM)
@click.option(
    "--sequence",
    type=click.Choice(["random", "sobol"]),
    default="random",
    show_default=True,
    help="How points are drawn: independently, or evenly by a scrambled Sobol sequence.",
)
@click.option("--repeats", is_flag=True, help="Let a finite space give the same configuration twice.")
@with_tries
@with_source
@running_options
@search_options
def random(sequence: str, repeats: bool, tries: tuple[str, ...], **options: Any) -> int:
    """Draws configurations at random from lists, ranges and distributions; --num-runs says how many.

    Type the same command again to go on; with a larger --num-runs it goes further.
    """
    if sequence == "sobol" and repeats:
        raise UsageError("--repeats goes with --sequence random; a Sobol sequence never repeats a point")
    name = "sobol" if sequence == "sobol" else "random"
    if options["source"] is not None:
        return search_from(name, options)
    return search(Algorithm(name, {"repeats": True} if repeats else {}), options, tries)


def search(
    algorithm: Algorithm,
    options: dict[str, Any],
    tries: Sequence[str] = (),
    *,
    rows: bool = False,
    early_stopping: str = "none",
) -> int:
    """Begins a search or goes on with it, and returns the exit code.

    `tries` are configurations to begin with, as they were typed. With `rows` the first trials start at once, and are
    shown as they begin.
    """
    needs_command(options)
    asked = describe(algorithm, project_of(options["place"]), options, early_stopping)
    own, completed = read_tries(tries, asked.description.space, asked.description.trials)
    return search_for(asked, own, completed, options, rows=rows)


def search_from(algorithm: str, options: dict[str, Any]) -> int:
    """The same for the search that `--from` names."""
    asked, own, completed = asked_from(algorithm, options, project_of(options["place"]))
    return search_for(asked, own, completed, options, rows=algorithm == "bayesian")


def project_of(place: Place) -> Path:
    """The folder an experiment of this store belongs to."""
    return place.folder.parent if place.folder.name == FOLDER else Path.cwd()


def search_for(
    asked: Asked,
    own: Sequence[Configuration],
    said: Sequence[str],
    options: dict[str, Any],
    *,
    rows: bool = False,
) -> int:
    """The same for a search that is described already. `own` are configurations to begin with, `said` is what to tell of
    them; of the `options` only those of `running_options` matter."""
    if options["show_native"]:
        return show(asked.description, own)
    place: Place = options["place"]
    earlier = _observed(place, asked.description)
    if earlier is not None:
        asked = asked._replace(description=asked.description._replace(earlier=earlier.observations))
    description = asked.description
    _refuse(description)
    _say_all([*(f"warning: {warning}" for warning in asked.warnings), *asked.notes, *said])
    if not options["quiet"]:
        _say_search(description)
    if options["dry_run"]:
        _say_all(earlier.told() if earlier is not None else ())
        return _show_plan(description, own)
    if options["on"] is None:
        parallel_slots(description.limits)  # refuses GPUs that are not there, before anything is written
    if description.environment is not None:
        asked = asked._replace(description=_in_its_container(description))
    check = not rows if options["check"] is None else options["check"]
    how = How(
        options["detach"],
        check,
        options["quiet"],
        options["as_json"],
        rows,
        options["on"],
        options["dashboard"],
    )
    with place.change(create=True) as store:
        record, created = _open(store, place, asked, own, earlier, fresh=options["fresh"])
        _say_all(earlier.told() if earlier is not None and created and not how.quiet else ())
        return conduct(store, place.folder, record, how, created=created)


def _in_its_container(description: Description) -> Description:
    """The search as it can run here: where no container engine works, that is an error, or said and kept as a label."""
    from luthier.drive.containing import settled

    description, without = settled(description)
    if without is not None:
        say(f"warning: {without}")
    return description


def _open(
    store: Store,
    place: Place,
    asked: Asked,
    own: Sequence[Configuration],
    earlier: Earlier | None,
    *,
    fresh: bool,
) -> tuple[ExperimentRecord, bool]:
    """Finds or creates the experiment, with the trials of the user's own; all of it or nothing is written."""
    # Without a seed a twin gets a new one, and none of its trials would be identical to any.
    any_seed = not asked.seed_named and not (fresh and asked.description.keeping.reuse)
    with store.together():
        record, created = store.open_experiment(asked.description, fresh=fresh, any_seed=any_seed)
        Alive(place.folder).refuse_driven(record.id)  # and so its new budget is not written either
        if created and earlier is not None:
            earlier.told()  # refuses to begin from nothing; what began goes on whatever became of the earlier ones
        queue_tries(store, record.id, own)
        return (store.experiment(record.id) if own else record), created


def _observed(place: Place, description: Description) -> Earlier | None:
    """What the experiments of `--warm-start` found; None where none is named."""
    experiments = description.algorithm.settings.get("warm_start", [])
    if not experiments:
        return None
    from luthier.cli.warm_start import observe

    assert description.objective is not None, "searches that learn have one"
    return observe(place, experiments, description.space, description.objective)


def _refuse(description: Description) -> None:
    """Refuses a search that could not propose its first trial."""
    if description.algorithm.name == "grid":
        description.space.finite_count()
    if description.target() is None:
        raise UsageError("--num-runs is missing: say how many trials to draw, such as --num-runs 20")
    if description.algorithm.name in LEARNING:
        _beginning(description, 1)


def _beginning(
    description: Description, count: int, own: Sequence[Configuration] = ()
) -> list[Configuration]:
    """The first proposals, when nothing but what is known from earlier experiments can be looked back on; without the
    user's `own`, where the algorithm does not look back."""
    engine = searcher(description.algorithm)
    if not engine.looks_back:
        known = Known(frozenset(own)) if passes_over(description) else Known()
        made = propose_around(engine, description.space, description.seed, range(1, count + 1), known)
        return [proposal.configuration for proposal in made]
    history = history_of(description, description.target(), 0, ())
    proposals = engine.propose(description.space, history, description.seed, range(1, count + 1))
    return [proposal.configuration for proposal in proposals]


def _say_all(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)


def _short(configuration: Configuration) -> dict[str, str]:
    return short(configuration.values(), configuration.texts())


def _say_search(description: Description) -> None:
    """Says what the search is like, before it begins."""
    _say_size(description)
    if choice := explain_choice(description.algorithm, description.space, description.target()):
        say(f"Chosen: {choice}")
    _say_stopping(description)


def _say_size(description: Description) -> None:
    """Says how large the search is before anything runs, and when a budget is larger than the space."""
    count, wanted = description.space.count(), description.trials
    takes_repeats = "repeats" in ALGORITHMS[description.algorithm.name]
    if description.algorithm.name == "grid" and count is not None:
        sizes = " × ".join(f"{p.name} {p.domain.count()}" for p in description.space.parameters)
        shown = f"{many(count, 'combination')} ({sizes})"
        say(shown if not wanted or wanted >= count else f"{shown}; the first {wanted} will run")
    elif (
        count is not None and wanted and count < wanted and not description.algorithm.settings.get("repeats")
    ):
        say(
            f"The space has only {many(count, 'configuration')}: each will run once, and no more than that"
            + ("; with --repeats some would be drawn again." if takes_repeats else ".")
        )


def _say_stopping(description: Description) -> None:
    """Says what ends trials early, where something may."""
    if rungs := schedule(description.stages):
        say(rungs)
    stopping = description.stopping
    if stopping is None:
        return
    from luthier.stopping import Conditions, stopping_rule

    rule = stopping_rule(stopping.rule, stopping.settings)
    said = [rule.explain()] if stopping.rule != "none" else []
    said += [Conditions.of(stopping.conditions).explain()] if stopping.conditions else []
    say(f"Early stopping: {'; '.join(said)}")


def _show_plan(description: Description, own: Sequence[Configuration], most: int = 1000) -> int:
    """Prints the configurations a search begins with, and the first one's command."""
    assert description.command is not None
    learns = description.algorithm.name in LEARNING
    target = description.target() or most
    if learns:
        most = len(own) + (description.limits.parallel or BEGINNING)
    shown = [*own, *_beginning(description, min(target, most) - len(own), own)]
    names = list(description.space.names)
    emit(table(names, [[_short(configuration).get(name, "-") for name in names] for configuration in shown]))
    if target > most:
        rest = "; each of the others depends on the results before it" if learns else ""
        say(f"(the first {most} of {target}{rest})")
    words = render(description.command, description.texts(shown[0], 0), description.placeholders)
    say(f"The first command: {shlex.join(words)}")
    return 0


COMMANDS = {"grid": grid, "random": random}

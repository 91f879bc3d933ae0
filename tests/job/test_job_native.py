"""A description as a file and as a command line: read back, both are the same search."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from luthier.cli import main
from luthier.description import (
    Algorithm,
    Command,
    Constraint,
    Description,
    Environment,
    Keeping,
    Limits,
    Objective,
)
from luthier.errors import LuthierError, SpaceError, UsageError
from luthier.job.document import parse_document
from luthier.job.native import native_yaml
from luthier.job.reading import is_same, job_of
from luthier.job.spoken import command_line
from luthier.schedule import Goal, Stages, Stopping
from luthier.search import LEARNING
from luthier.space import Configuration, Parameter, Space, Value
from luthier.space.choices import Categorical, Constant, Ordinal
from luthier.space.conditions import Condition
from luthier.space.normal import LogNormal, Normal
from luthier.space.ranges import Float, Integer
from luthier.space.value import identity, read_value

texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=12
)
odd = st.sampled_from(
    [
        "yes",
        "no",
        "~",
        "null",
        "true",
        "1e-6",
        ".50",
        "007",
        "1_000",
        "0x1f",
        "a: b",
        "a #b",
        "- x",
        "{{x}}",
        "*x",
        "&x",
    ]
    + [
        "it's",
        '"q"',
        "x\ny\n",
        " x",
        "x ",
        "#",
        "<<",
        "é",
        "😀",
        "12:30",
        ".inf",
        "2h",
        "@x",
        "%x",
        "!x",
        "a,b",
        "[1]",
    ]
)
words = odd | texts
numbers = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)
listed = st.one_of(
    odd.map(read_value),
    st.sampled_from([Value(True), Value(None), Value(True, "True"), Value(None, "~"), Value("1"), Value([64, 32]), Value([[]])]),
    numbers.map(Value),
    texts.map(Value),
)  # fmt: skip
several = st.lists(listed, min_size=1, max_size=4, unique_by=lambda value: identity(value.value))
NAMES = ["rate", "yes", "1", "a.b", "x-y"]
scalings = st.sampled_from(["linear", "log", "reverse_log"])


@st.composite
def domains(draw: st.DrawFn, plain: bool = False) -> Any:
    low, width = draw(numbers), draw(st.floats(1e-3, 1e6))
    kinds = ["float", "integer", "normal", "lognormal", "categorical", "constant"]
    kind = draw(st.sampled_from(kinds if plain else [*kinds, "ordinal"]))
    step = draw(st.none() | st.sampled_from([0.1, 1, 3, 0.25]))
    try:
        match kind:
            case "float":
                return Float(low, low + width, draw(scalings), step)
            case "integer":
                return Integer(
                    int(low), int(low + width), draw(scalings), None if step is None else int(step)
                )
            case "normal":
                return Normal(low, width, step, draw(st.sampled_from(["float", "int"])))
            case "lognormal":
                return LogNormal(draw(st.floats(-3, 3)), draw(st.floats(0.1, 3)), step)
            case "categorical":
                return Categorical(tuple(draw(several.filter(lambda values: len(values) > 1))))
            case "ordinal":
                return Ordinal(tuple(draw(several)))
            case _:
                return Constant((draw(listed),))
    except SpaceError:
        assume(False)


@st.composite
def spaces(draw: st.DrawFn, plain: bool = False) -> Space:
    """With `plain` only what a command line can say."""
    names = draw(
        st.lists(
            st.sampled_from(NAMES) if plain else texts | st.sampled_from(NAMES),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    assume("<<" not in names)
    parameters: list[Parameter] = []
    for name in names:
        when: tuple[Condition, ...] = ()
        parents = [p for p in parameters if p.domain.kind in ("categorical", "ordinal")]
        if parents and not plain and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            values = [parent.domain.at(i).value for i in range(parent.domain.count() or 0)]
            operator = draw(st.sampled_from(["in", "=="]))
            when = (Condition(parent.name, operator, tuple(values[: 1 + (operator == "in")])),)
        parameters.append(Parameter(name, draw(domains(plain)), when))
    try:
        return Space(parameters)
    except SpaceError:
        assume(False)
        raise


algorithms = st.one_of(
    st.sampled_from(["grid", "random", "sobol", "auto", "tpe", "cmaes"]).map(Algorithm),
    st.just(Algorithm("random", {"repeats": True})),
    st.just(Algorithm("random", {"sequence": "sobol"})),
    st.just(Algorithm("bayesian", {"acquisition": "ucb", "kappa": 2.5})),
    st.just(Algorithm("bayesian", {"acquisition": "ei"})),
    st.just(Algorithm("bayesian")),
    st.just(Algorithm("tpe", {"startup": 7, "repeats": True, "warm_start": [1, 4]})),
)
aggregates = st.sampled_from(["last", "min", "max", "avg"])
named = texts.filter(lambda text: bool(text.strip()))
objectives = st.builds(
    Objective, named | st.just("keras/val_acc"), aggregates, st.sampled_from(["minimize", "maximize"])
)
commands = st.one_of(
    st.lists(words, min_size=1, max_size=4).map(
        lambda given: Command(tuple(given), "/work", from_environment=True)
    ),
    words.map(lambda text: Command((text,), "/work", shell=True, from_environment=True)),
).filter(lambda command: bool(command.words[0].strip()))
seconds = st.none() | st.sampled_from([0.5, 1.0, 90.0, 7200.0, 86400.0, 1234.5678])
limits = st.builds(
    Limits,
    parallel=st.none() | st.integers(1, 9),
    gpus=st.sampled_from([0.0, 0.5, 2.0]),
    cpus=st.none() | st.sampled_from([1.0, 2.5]),
    memory_bytes=st.none() | st.sampled_from([1, 1234, 4 * 10**9, 2**20, 3 * 2**30]),
    timeout_seconds=seconds,
    idle_timeout_seconds=seconds,
    grace_seconds=st.sampled_from([10.0, 3.0]),
    max_attempts=st.integers(1, 4),
    retry_failed=st.integers(0, 2),
    on_driver_loss=st.sampled_from(["continue", "stop"]),
)
environments = st.builds(
    Environment,
    variables=st.dictionaries(
        st.sampled_from(["A", "B_1", "no"]), st.sampled_from(["", "x", "1e-6", "a: b", "a\nb"])
    ),
    files=st.dictionaries(
        st.sampled_from(["a.json", "b/c.yaml"]),
        st.sampled_from(["x\n", " x\n y\n", "a\n\n", "\n", "{}", "a\nb\n"]),
    ),
    image=st.none() | st.just("python:3.11"),
    install=st.just(()),
    mounts=st.just(()),
    strict=st.booleans(),
).map(
    lambda made: (
        made._replace(install=("pip install x",), mounts=("/a:/b:ro",))
        if made.image and made.strict
        else made
    )
)
stoppings = st.sampled_from([
    None,
    Stopping("auto"),
    Stopping("asha", {"eta": 3}, ("loss > 5:3",)),
    Stopping("none", {}, ("loss > 5:3", "a < 1 && b > 2")),
])  # fmt: skip
stages = st.sampled_from([
    None,
    Stages("rungs", "epochs", (1.0, 3.0, 9.0), 3.0),
    Stages("rungs", "share", (0.1, 0.25, 1.0), 2.5),
    Stages("folds", "", (0.0, 1.0, 2.0)),
])  # fmt: skip


@st.composite
def descriptions(draw: st.DrawFn, plain: bool = False) -> Description:
    objective = draw(st.none() | objectives)
    also = (
        tuple(draw(st.lists(objectives, max_size=2, unique_by=lambda each: each.metric))) if objective else ()
    )
    return Description(
        project="/work",
        space=draw(spaces(plain)),
        algorithm=draw(algorithms),
        command=draw(commands),
        objective=objective,
        also=tuple(each for each in also if objective and each.metric != objective.metric),
        constraints=draw(
            st.sampled_from([(), (Constraint("memory", 4e9), Constraint("a:b", -1.5, ">=", "min"))])
        ),
        trials=draw(st.none() | st.integers(1, 10**6)),
        seed=draw(st.integers(-5, 5)),
        limits=draw(limits),
        name=draw(st.none() | words.filter(lambda name: bool(name.strip()))),
        labels=draw(st.dictionaries(words, st.text("ab:# ", max_size=4), max_size=2)),
        on_finish=draw(st.none() | st.just("mail -s 'done' me")),
        environment=draw(st.none() | environments),
        stopping=draw(stoppings),
        stages=draw(stages),
        keeping=draw(st.sampled_from([Keeping(), Keeping("none"), Keeping("all", True)])),
        goal=draw(st.sampled_from([None, Goal(0.5, 3600.0, 7), Goal(-1e-7), Goal(0.0)])),
    )


def sensible(description: Description) -> Description:
    """Without what no command takes, so that few examples are lost."""
    if description.objective is None:
        plain = "random" if description.algorithm.name in LEARNING else description.algorithm.name
        return description._replace(algorithm=Algorithm(plain), constraints=(), stopping=None, stages=None, goal=None,
            trials=description.trials or 5,
        )  # fmt: skip
    alone = description.stages is not None or description.algorithm.name == "cmaes"
    return description._replace(
        also=() if alone else description.also,
        constraints=() if alone or ":" in description.constraints else description.constraints[:1],
        trials=description.trials or 5,
    )


def keys_fit(description: Description) -> bool:
    """YAML ends a key on one line at 1,024 characters, and knows `<<` as something else."""
    return "<<" not in description.labels


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(descriptions())
def test_a_description_written_as_a_file_reads_back_the_same(description: Description) -> None:
    assume(keys_fit(description))
    text = native_yaml(description)
    read = job_of(parse_document("native.yaml", text), "/work", Path("/work")).description
    assert read.to_dict() == description.to_dict(), text
    assert read.identity() == description.identity()
    assert is_same(text, description)


def test_the_label_of_a_door_is_no_part_of_the_native_search() -> None:
    space = Space([Parameter("rate", Categorical.of([1, 2]))])
    description = Description(
        "/work", space, Algorithm("grid"), Command(("echo", ":rate:"), "/work"), labels={"door": "riseml"}
    )
    text = native_yaml(description)
    assert "riseml" not in text and is_same(text, description)
    assert "riseml" not in " ".join(command_line(description).words or ())


def test_what_tunes_a_function_has_no_file() -> None:
    space = Space([Parameter("rate", Categorical.of([1, 2]))])
    with pytest.raises(UsageError, match="this search tunes train"):
        native_yaml(Description("/work", space, Algorithm("grid"), function="train"))


def test_another_search_is_told_from_the_same() -> None:
    space = Space([Parameter("rate", Categorical.of([1, 2]))])
    one = Description("/work", space, Algorithm("grid"), Command(("echo", ":rate:"), "/work"))
    two = Description("/work", space, Algorithm("random"), Command(("echo", ":rate:"), "/work"))
    assert is_same(native_yaml(one), one) and not is_same(native_yaml(one), two)
    lone = Description("/work", Space([Parameter("r", Categorical.of([1]))]), Algorithm("grid"), one.command)
    assert not is_same(native_yaml(lone), lone), "a list of one is a constant in a file"


# ---------------------------------------------------------------------- the command line


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the search commands were asked for: a description and configurations, in order."""
    found: list[Any] = []

    def keep(asked: Any, own: Any, said: Any, options: Any, *, rows: bool = False) -> int:
        found.append((asked.description, tuple(own)))
        return 0

    monkeypatch.setattr("luthier.cli.search.search_for", keep)
    monkeypatch.chdir(tmp_path)
    return found


@settings(
    suppress_health_check=[
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
    ]
)
@given(
    description=descriptions(plain=True).map(sensible),
    programs=st.lists(words.filter(lambda w: "{" not in w), min_size=1, max_size=3),
    shell=st.booleans(),
)
def test_a_command_line_that_is_shown_is_the_same_search(
    parsed: list[Any], description: Description, programs: list[str], shell: bool
) -> None:
    given_words = ("echo " + " ".join(programs),) if shell else ("echo", *programs)
    command = Command(given_words, os.getcwd(), shell=shell, from_environment=True)
    description = description._replace(command=command, project=os.getcwd(), environment=None)
    spoken = command_line(description)
    assume(spoken.words is not None and not any("\0" in word for word in spoken.words or ()))
    parsed.clear()
    try:
        code = main([*(spoken.words or ())])
    except LuthierError:
        code = 2
    assume(code == 0)  # the rest is refused by the command line as it is by a file
    assert parsed[0][0].to_dict() == description.to_dict(), spoken.words


SAID = {
    "tune --num-runs 50 --metric loss --minimize --param rate=1e-5:1:log --param cell=gru,lstm --try rate=0.01,cell=gru "
    "-- echo :rate: :cell:": None,
    "grid --param rate=0.001,0.01,.1 --json-param layers=[[64],[64,32]] -- echo :rate: :layers:": None,
    "random --sequence sobol --num-runs 8 --param x=0:1 -- echo :x:": None,
    "bayesian --num-runs 12 --parallel-runs 3 --metric keras/val_acc --metric-agg avg --param rate=.001:1.0 --param "
    "layers=2:100:int --acquisition ei -- echo :rate: :layers:": None,
    "tune --algorithm tpe --early-stopping asha:eta=3 --budget epochs=1:81 --num-runs 9 --metric a --param x=0:1 --max-time 2h "
    "-- echo :x: :epochs:": None,
    "random --num-runs 3 --param x=normal(0,1) --as-args --label a=b --memory 4G --timeout 90s --also minimize:lat:min "
    "--metric acc --constraint m<=4e9 --on-finish true -- echo": None,
}  # fmt: skip


@pytest.mark.parametrize("line", SAID)
def test_commands_of_the_documentation_survive_the_way_there_and_back(parsed: list[Any], line: str) -> None:
    assert main(line.split()) == 0
    description, own = parsed[0]
    spoken = command_line(description, own)
    assert spoken.words is not None, spoken.why
    assert main(list(spoken.words)) == 0
    assert parsed[1] == parsed[0]
    text = native_yaml(description, own)
    job = job_of(parse_document("native.yaml", text), description.project, Path("/elsewhere"))
    assert job.description == description
    assert [Configuration.of(list(values.items())) for _, values in job.tries] == list(own)


def test_a_parameter_of_json_comes_last_on_a_command_line(parsed: list[Any]) -> None:
    layers, rate = Parameter("layers", Categorical.of([[64], [32]])), Parameter("rate", Float(0, 1))
    cell = Parameter("cell", Categorical.of(["a,b", "c"]))
    command = Command(("echo",), os.getcwd(), from_environment=True)
    made = Description(os.getcwd(), Space([rate, layers, cell]), Algorithm("random"), command, trials=3)
    assert main(list(command_line(made).words or ())) == 0 and parsed[0][0].space == made.space
    assert command_line(made._replace(space=Space([layers, rate]))) == (None, "the place of rate")


def test_a_lenient_command_is_said_so(parsed: list[Any]) -> None:
    space = Space([Parameter("rate", Categorical.of([1, 2]))])
    made = Description(
        "/w", space, Algorithm("grid"), Command(("echo", ":rate:", "{{x}}"), "/w", is_lenient=True)
    )
    assert is_same(native_yaml(made), made) and "lenient: true" in native_yaml(made)
    assert command_line(made) == (None, "{{x}}, which is no parameter")
    plain = made._replace(command=Command(("echo", ":rate:"), "/w", is_lenient=True))
    assert command_line(plain).words == ("grid", "--param", "rate=1,2", "--", "echo", ":rate:")


def test_only_a_file_says_conditions() -> None:
    cell = Parameter("cell", Categorical.of(["gru", "lstm"]))
    space = Space([cell, Parameter("x", Float(0, 1), (Condition("cell", "==", ("gru",)),))])
    description = Description(
        "/w", space, Algorithm("random"), Command(("echo", ":cell:", ":x:"), "/w"), trials=3
    )
    assert command_line(description) == (None, "when x exists")

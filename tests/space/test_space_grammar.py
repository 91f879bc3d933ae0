"""The command line's grammar: what is read, and every sentence that refuses."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import SpaceError
from luthier.space import Categorical, Constant, Float, Integer, LogNormal, Normal, Value
from luthier.space.grammar import FORMAT, FormatError, parse_json_param, parse_param, parse_params

READ: list[tuple[str, object]] = [
    ("rate=.001:1.0:log", Float(0.001, 1.0, "log")),
    ("rate=.001:1.0:reverse_log", Float(0.001, 1.0, "reverse_log")),
    ("rate=0:1", Float(0, 1)),
    ("layers=2:100:linear:int", Integer(2, 100)),
    ("layers=2:100:int", Integer(2, 100)),
    ("layers=2:100:int:log", Integer(2, 100, "log")),
    ("layers=-5:5:integer", Integer(-5, 5)),
    ("p=0:1:step=0.1", Float(0, 1, step=0.1)),
    ("p=0:1:q=.1", Float(0, 1, step=0.1)),
    ("p=3:5:step=1", Integer(3, 5, step=1)),
    ("p=3:5:float:step=1", Float(3, 5, step=1)),
    ("p=1e-3:1e3:log:float", Float(1e-3, 1e3, "log")),
    ("n=normal(0,1)", Normal(0, 1)),
    ("n=normal(-1.5, .5, q=.1)", Normal(-1.5, 0.5, 0.1)),
    ("n=qnormal(0,1,.5)", Normal(0, 1, 0.5)),
    ("n=lognormal(0,1,q=.5)", LogNormal(0, 1, 0.5)),
    ("n=lognormal(3,1,q=8,int)", LogNormal(3, 1, 8, "int")),
    ("n=uniform(0,1)", Float(0, 1)),
    ("n=loguniform(.001,1)", Float(0.001, 1, "log")),
    ("n=quniform(0,1,.25)", Float(0, 1, step=0.25)),
    ("n=int(1,9)", Integer(1, 9)),
    ("n=int(1,9,log)", Integer(1, 9, "log")),
    ("n=logint(1,9,step=2)", Integer(1, 9, "log", 2)),
    ("cell=gru,lstm,rnn", Categorical.of(["gru", "lstm", "rnn"])),
    ("a=1,2.5,x", Categorical.of([1, 2.5, "x"])),
    ("kernel=poly", Constant.of(["poly"])),
    ("t=12:30,14:00", Categorical.of(["12:30", "14:00"])),
    ("url=http://a:80/x,http://b", Categorical.of(["http://a:80/x", "http://b"])),
    ("flags=--a=1,--b=2", Categorical.of(["--a=1", "--b=2"])),
    ("f=relu(1)", Constant.of(["relu(1)"])),
    ("f=sin(x),cos(x)", Categorical.of(["sin(x)", "cos(x)"])),
    ("a=True,nan", Categorical.of(["True", "nan"])),
]


@pytest.mark.parametrize(("text", "domain"), READ, ids=[t for t, _ in READ])
def test_what_is_read(text: str, domain: object) -> None:
    parameter = parse_param(text)
    assert parameter.name == text.partition("=")[0]
    assert parameter.domain == domain
    assert type(parameter.domain) is type(domain)


def test_listed_values_are_kept_as_written() -> None:
    domain = parse_param("a=1e-6,.50,007,1_000,True").domain
    assert [domain.at(i).text for i in range(5)] == ["1e-6", ".50", "007", "1_000", "True"]
    assert [domain.at(i).value for i in range(5)] == [1e-6, 0.5, 7, "1_000", "True"]


def test_json_values_keep_their_types_and_spelling() -> None:
    domain = parse_json_param('a=[2.5, true, "x,y", null, 1e-6, "007", [1, 2.50]]').domain
    assert [domain.at(i) for i in range(7)] == [
        Value(2.5),
        Value(True),
        Value("x,y"),
        Value(None),
        Value(1e-6, "1e-6"),
        Value("007"),
        Value([1, 2.5]),
    ]
    assert [domain.at(i).text for i in range(7)] == ["2.5", "true", "x,y", "null", "1e-6", "007", "[1,2.5]"]


def test_parameters_come_in_the_order_given() -> None:
    space = parse_params(["b=1,2", "a=0:1"], ['c=["x"]'])
    assert space.names == ("b", "a", "c")


def form(text: str, detail: str) -> str:
    return f"Incorrect formatting of param '{text}', it must be {FORMAT}; {detail}"


def json_form(text: str, detail: str) -> str:
    return f"Incorrect formatting of json param '{text}', it must be a json encoded list; {detail}"


COLON = """(a value that holds a ':' can be given as --json-param r='["{}"]')"""
WORDS = "write linear, log or reverse_log, then int or float"
NAMES = "int, logint, lognormal, loguniform, normal, qlognormal, qloguniform, qnormal, quniform, uniform, uniformint"
ODD = "write letters, digits, '-', '_', '.' or '/'"

REFUSED = [
    (text, form(text, detail))
    for text, detail in [
        ("rate", "there is no '='"),
        ("", "there is no '='"),
        ("=1,2", "there is no name before the '='"),
        ("a b=1", f"the name holds ' ', {ODD}"),
        ("a:b=1", f"the name holds ':', {ODD}"),
        ("rate=", "there is no value after the '='"),
        ("a=1,,2", "one of the values is empty"),
        ("a=1,2,", "one of the values is empty"),
        ("a=,", "one of the values is empty"),
        ("r=0:1:log,5", "'0:1:log' is a range, which stands alone without commas"),
        ("r=5,0:1:step=.1", "'0:1:step=.1' is a range, which stands alone without commas"),
        ("r=a:b", "'a' is not a finite number " + COLON.format("a:b")),
        ("r=1:b", "'b' is not a finite number " + COLON.format("1:b")),
        ("r=http://x", "'http' is not a finite number " + COLON.format("http://x")),
        ("r=nan:1", "'nan' is not a finite number " + COLON.format("nan:1")),
        ("r=0:inf", "'inf' is not a finite number " + COLON.format("0:inf")),
        ("r=0:1e400", "'1e400' is not a finite number " + COLON.format("0:1e400")),
        ("r=1_0:20", "'1_0' is not a finite number " + COLON.format("1_0:20")),
        ("r=1:", "MIN or MAX is missing " + COLON.format("1:")),
        ("r=:1", "MIN or MAX is missing " + COLON.format(":1")),
    ]
] + [
    (text, f"param '{text}': {detail}")
    for text, detail in [
        ("r=5:3", "MIN 5 is not below MAX 3; write the smaller number first"),
        ("r=3:3", "MIN 3 is not below MAX 3; write the smaller number first"),
        ("r=0:1:log", "log needs a MIN above 0, not 0; raise MIN or write linear"),
        ("r=-1:1:reverse_log", "reverse_log needs a MIN above 0, not -1; raise MIN or write linear"),
        ("r=1:2:lgo", f"scaling or type 'lgo' is unknown; {WORDS} (did you mean log?)"),
        ("r=1:2:log:itn", f"scaling or type 'itn' is unknown; {WORDS} (did you mean int?)"),
        ("r=1:2:log:", f"scaling or type '' is unknown; {WORDS}"),
        ("r=1:2:3", f"scaling or type '3' is unknown; {WORDS}"),
        ("r=1:2:log:linear", "the scaling is given twice; write it once"),
        ("r=1:2:int:float", "the type is given twice; write it once"),
        ("r=0:1:stp=.1", "option 'stp' is unknown; write step=STEP (did you mean step?)"),
        ("r=0:1:step=x", "the step 'x' is not a finite number; write step=STEP with a positive number"),
        ("r=0:1:step=0", "the step 0 is not above 0; write a positive step"),
        ("r=0.5:3:int", "MIN 0.5 is not an integer; write a whole number or the type float"),
        ("a=1,2,1", "the list holds 1 twice; list every value once"),
        ("a=.5,0.50", "the list holds .5 and 0.50, one value; list every value once"),
        ("n=norml(0,1)", f"distribution 'norml' is unknown (did you mean normal?); write one of {NAMES}"),
        ("n=normal(0)", "normal takes two numbers, mean and deviation, and got 1"),
        ("n=uniform(0,1,2)", "uniform takes two numbers, MIN and MAX, and got 3"),
        ("n=normal(0,0)", "the deviation 0 is not above 0; write a positive deviation"),
        ("n=normal(0,1,log)", "normal has no scaling; leave 'log' out"),
        ("n=qnormal(0,1)", "qnormal needs a step; write it as q=…"),
        ("n=normal(0,,1)", "the number 1 stands after an option; write the numbers first"),
        ("n=normal(0,1,)", "an argument of normal is empty; write it as normal(A,B)"),
    ]
]

REFUSED_JSON = [
    ("a", "Incorrect formatting of json param 'a', it must be NAME and a json encoded list; there is no '='"),
    ("a=[]", "json param 'a=[]': the list of values is empty; list at least one value"),
    ('a={"b": 1}', json_form('a={"b": 1}', """write a='[{"b": 1}]'""")),
    ("a=1", json_form("a=1", "write a='[1]'")),
    ("a=[NaN]", json_form("a=[NaN]", "this is not JSON: NaN is no JSON number")),
    ("a=[1e999]", json_form("a=[1e999]", "this is not JSON: 1e999 is too large")),
    ("a=[1", json_form("a=[1", "this is not JSON: Expecting ',' delimiter: line 1 column 3 (char 2)")),
    ("a=[1,1.0]", "json param 'a=[1,1.0]': the list holds 1 and 1.0, one value; list every value once"),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED)
def test_what_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SpaceError) as refused:
        parse_param(text)
    assert str(refused.value) == sentence
    assert sentence.startswith("Incorrect") is isinstance(refused.value, FormatError)
    assert str(pickle.loads(pickle.dumps(refused.value))) == sentence


@pytest.mark.parametrize(("text", "sentence"), REFUSED_JSON)
def test_what_json_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SpaceError) as refused:
        parse_json_param(text)
    assert str(refused.value) == sentence


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(SpaceError, match="^parameter 'a' is declared twice; give each parameter once$"):
        parse_params(["a=1,2"], ["a=[3]"])


words = st.text("abcxyz0189_.-", min_size=1, max_size=6)


@given(st.lists(words, min_size=1, max_size=6, unique=True))
def test_any_list_reads_back_as_written_or_holds_a_value_twice(texts: list[str]) -> None:
    try:
        domain = parse_param("name=" + ",".join(texts)).domain
    except SpaceError as error:
        assert "one value" in str(error)
        return
    assert [domain.at(i).text for i in range(domain.count() or 0)] == texts


numbers = st.integers(1, 10**6) | st.floats(1e-9, 1e9)


@given(numbers, numbers, st.sampled_from(["linear", "log", "reverse_log"]), st.none() | st.floats(1e-3, 1e3))
def test_any_range_reads_back(a: float, b: float, scaling: str, step: float | None) -> None:
    if a == b:
        return
    low, high = sorted([a, b])
    tail = "" if step is None else f":step={step!r}"
    made = parse_param(f"x={low!r}:{high!r}:{scaling}:float{tail}").domain
    assert made == Float(low, high, scaling, step)  # type: ignore[arg-type]


@given(st.text(max_size=30))
def test_no_text_is_anything_but_read_or_refused(text: str) -> None:
    for parse in (parse_param, parse_json_param):
        try:
            parse("a=" + text)
        except SpaceError as error:
            assert str(error).count("\n") == text.count("\n") * str(error).count(text)

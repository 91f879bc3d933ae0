"""The file of --params: forms, spelling, places, and limits."""

from pathlib import Path

import pytest

from luthier.errors import UsageError
from luthier.job.parameters import load_parameters
from luthier.space import Categorical, Constant, Float, Integer, Space, Value


def load(folder: Path, text: str, name: str = "params.yaml") -> Space:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_parameters(path)


def test_the_form_of_kaos(tmp_path: Path) -> None:
    text = '{\n\t"degree": [3, 5],\n\t"kernel": ["linear", "poly"],\n\t"gamma": [10, 1, 0.01]\n}\n'
    space = load(tmp_path, text, "params.json")
    assert space.count() == 12
    assert [str(space.at(i)) for i in (0, 3, 11)] == [
        "degree=3, kernel=linear, gamma=10",
        "degree=3, kernel=poly, gamma=10",
        "degree=5, kernel=poly, gamma=0.01",
    ]


def test_the_form_of_riseml(tmp_path: Path) -> None:
    text = """\
parameters:
  lr:
    - 0.0001
    - 0.001
  lr-decay:
    - 1e-6
    - 1e-7
  epochs:
    range: {min: 3, max: 5, step: 1}
  momentum:
    range:
      min: 0.1
      max: 0.3
      step: 0.1
"""
    space = load(tmp_path, text)
    assert space.count() == 2 * 2 * 3 * 3
    assert str(space.at(0)) == "lr=0.0001, lr-decay=1e-6, epochs=3, momentum=0.1"
    assert str(space.at(35)) == "lr=0.001, lr-decay=1e-7, epochs=5, momentum=0.3"


def test_scalars_are_those_of_yaml_1_2_and_keep_their_text(tmp_path: Path) -> None:
    space = load(tmp_path, "a: [1e-4, .50, 007, no, true, ~, '5', 12:30, 1_000, 0o7, \"x\\n\"]\n")
    assert space["a"].domain == Categorical(
        (
            Value(1e-4, "1e-4"),
            Value(0.5, ".50"),
            Value(7, "007"),
            Value("no"),
            Value(True),
            Value(None, "~"),
            Value("5"),
            Value("12:30"),
            Value("1_000"),
            Value("0o7"),
            Value("x\n"),
        )
    )


def test_everything_else_that_may_be_declared(tmp_path: Path) -> None:
    text = """\
# a comment
rate: .001:1.0:log
layers: {min: 2, max: 10, type: int, when: {kernel: poly}}
kernel: &k [poly]
other: *k
"""
    with pytest.raises(
        UsageError, match=r"params\.yaml:3:38: parameter 'layers' depends on 'kernel', which is declared"
    ):
        load(tmp_path, text)
    lines = text.splitlines()
    space = load(tmp_path, "\n".join([lines[3], lines[1], lines[2], lines[4]]))
    assert space["rate"].domain == Float(0.001, 1, "log")
    assert space["layers"].domain == Integer(2, 10)
    assert space["other"].domain == space["kernel"].domain == Constant.of(["poly"])


def test_json_is_read_as_json(tmp_path: Path) -> None:
    space = load(tmp_path, '{"a\\/b": ["\\ud83d\\ude00", 1.50, "1.50", true]}', "p.json")
    values = (Value("😀"), Value(1.5, "1.50"), Value("1.50"), Value(True))
    assert space["a/b"].domain == Categorical(values)


REFUSED = [
    (
        '{"kernel": "poly"}',
        ":1:2: parameter 'kernel': poly is no list; write [\"poly\"] to try it, or {value: poly} to hold it fixed",
    ),
    ("a: [1]\nb: [2]\na: [3]\n", ":3:1: the key 'a' stands on lines 1 and 3; keep one of them"),
    ("{a: [1], a: [2]}", ":1:10: the key 'a' stands twice on line 1; keep one of them"),
    (
        "a:\n  min: 1\n  max: 3\n  stp: 1\n",
        (
            ":4:3: parameter 'a': key 'stp' is unknown here (did you mean step?); "
            "write one of min, low, max, high, step, q, scaling, scale, log, type, when"
        ),
    ),
    ("a: &x [1]\nb: &y [*x]\n", ":2:8: the alias *x stands inside &y; write it out"),
    ("a: *x\n", ":1:4: the alias *x has no anchor before it; write &x there"),
    ("a: &x [*x]\n", ":1:8: the alias *x stands inside &x; write it out"),
    ("a: [1]\n<<: {b: [1]}\n", ":2:1: merge keys are not part of YAML 1.2; write the entries out"),
    (
        "a: !!python/object:os.system [1]\n",
        ":1:4: the tag tag:yaml.org,2002:python/object:os.system is not supported; write plain values",
    ),
    ("a: [1]\n---\nb: [2]\n", ":2:1: a second document begins here; keep one in a file"),
    ("", ":1:1: there are no parameters; write NAME: [VALUE, VALUE]"),
    ("- a\n", ":1:1: this is no mapping from parameter names to values; write NAME: [VALUE, VALUE]"),
    ("? [a]\n: [1]\n", ":1:3: a key is a list or a mapping; write a word"),
    ("a: [.nan]\n", ":1:5: .nan is not a finite number; write one, or quote the word"),
    ("\ta: [1]\n", ":1:1: this is not YAML: found character '\\t' that cannot start any token"),
    ("a: " + "[" * 60 + "]" * 60, ":1:54: this is more than 50 levels deep; write it flatter"),
    (
        "a: &x [1, 2]\n" + "".join(f"b{i}: *x\n" for i in range(51)),
        ":52:6: there are more than 50 aliases; write the values out",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED, ids=[s for _, s in REFUSED])
def test_what_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, text)
    assert str(refused.value) == f"{tmp_path / 'params.yaml'}{sentence}"


def test_fifty_aliases_and_fifty_levels_are_fine(tmp_path: Path) -> None:
    assert len(load(tmp_path, "a: &x [1, 2]\n" + "".join(f"b{i}: *x\n" for i in range(50)))) == 51
    assert load(tmp_path, "a: " + "[" * 49 + "]" * 49).count() == 1


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    with pytest.raises(UsageError) as refused:
        load_parameters(missing)
    assert (
        str(refused.value) == f"{missing} can't be read: No such file or directory; name a YAML or JSON file"
    )
    with pytest.raises(UsageError, match="is larger than 1 MB"):
        load(tmp_path, "#" * 1_000_001)
    (tmp_path / "latin.yaml").write_bytes(b"a: [1]\nb: [\xe9]\n")
    with pytest.raises(UsageError, match=r"latin\.yaml:2:1: this is not UTF-8 text"):
        load_parameters(tmp_path / "latin.yaml")
    with pytest.raises(UsageError, match=r"p\.json:1:10: this is not JSON: Expecting value"):
        load(tmp_path, '{"a": [1,],}', "p.json")
    with pytest.raises(UsageError, match=r"p\.json:1:8: NaN is no JSON number"):
        load(tmp_path, '{"a": [NaN]}', "p.json")
    with pytest.raises(UsageError):
        load(tmp_path, "[" * 100_000, "p.json")

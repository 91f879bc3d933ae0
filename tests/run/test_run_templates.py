"""The templates of an environment: what is put in, in which form, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from luthier.environment import Environment
from luthier.errors import CommandError, TrialError
from luthier.run.folders import Folders
from luthier.run.templates import check_environment, filled, surround
from luthier.trial import AttemptId

OWN = {"LUTHIER_OUTPUT_DIR": "/out", "LUTHIER_TRIAL": "144.7"}


def test_parameters_and_own_variables_are_put_in_once() -> None:
    texts, values = {"lr-decay": "1e-6", "name": "{{lr-decay}}"}, {"lr-decay": 1e-6, "name": "{{lr-decay}}"}
    text = "{{lr-decay}} {{ lr-decay | json }} {{name}} ${LUTHIER_OUTPUT_DIR}/x ${LUTHIER_NONE} $HOME ${HOME} :name:"
    said = "1e-6 1e-06 {{lr-decay}} /out/x ${LUTHIER_NONE} $HOME ${HOME} :name:"
    assert filled(text, texts, values, OWN) == said


def test_an_inactive_parameter_is_empty_or_null() -> None:
    assert filled("<{{x}}> {{x|json}} {{x|yaml}}", {}, {}, OWN) == "<> null null"


@given(
    st.one_of(
        st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))),
        st.booleans(),
        st.integers(),
        st.none(),
    )
)
def test_what_is_put_in_as_a_literal_is_read_back(value: str | bool | int | None) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    made = filled("{{x|json}}", {"x": text}, {"x": value}, OWN)
    assert json.loads(made) == value
    made = filled("x: {{x|yaml}}", {"x": text}, {"x": value}, OWN)
    assert YAML(typ="safe", pure=True).load(made) == {"x": value}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (Environment({"A": "{{rat}}"}), "the variable A names {{rat}}, and there is no parameter 'rat' (did you mean rate?)"),
        (Environment({"A": "{{rate|xml}}"}), "the variable A wants {{rate|xml}}; the forms are |json and |yaml"),
        (Environment({"A-B": ""}), "'A-B' is no name for an environment variable"),
        (Environment({"LUTHIER_SEED": "1"}), "the variable LUTHIER_SEED is Luthier's own"),
        (Environment({"A": "a\0"}), "the variable A holds a NUL"),
        (Environment(files={"../x": ""}), "the file '../x' has to be inside the output folder"),
        (Environment(files={"/x": ""}), "the file '/x' has to be inside the output folder"),
        (Environment(files={"": ""}), "the file '' has to be inside the output folder"),
    ],
)  # fmt: skip
def test_what_can_not_be_filled_in_is_refused(environment: Environment, words: str) -> None:
    with pytest.raises(CommandError) as error:
        check_environment(environment, ["rate", "layers"])
    assert words in str(error.value)


def test_files_are_written_and_variables_added_but_never_in_the_place_of_luthiers(tmp_path: Path) -> None:
    folder = Folders(tmp_path).attempt(*AttemptId(1, 2, 1))
    environment = Environment(
        {"RATE": "{{rate}}", "LUTHIER_TRIAL": "9.9"}, {"deep/a.json": '{"rate": {{rate|json}}}'}
    )
    for _ in range(2):
        made = surround(environment, {"rate": ".50"}, {"rate": 0.5}, OWN, folder)
    assert made == {**OWN, "RATE": ".50"}
    assert json.loads(Path(folder.outputs, "deep", "a.json").read_text()) == {"rate": 0.5}
    Path(folder.outputs, "deep", "a.json").unlink()
    Path(folder.outputs, "deep").rmdir()
    Path(folder.outputs, "deep").write_text("in the way")
    with pytest.raises(TrialError, match=r"deep/a\.json could not be written"):
        surround(environment, {"rate": ".50"}, {"rate": 0.5}, OWN, folder)


def test_an_environment_goes_through_json_and_says_only_what_is_unusual() -> None:
    made = Environment({"A": "1"}, image="debian:12", install=("apt-get update",), strict=False)
    assert Environment.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert Environment().to_dict() == {} and Environment.from_dict(None) is None

"""The options of Gradient's door: each works, is a label, or is refused; bad ones get one message and make nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from luthier.cli.doors.gradient.options import OPTIONS
from luthier.cli.doors.gradient.record import tunings
from luthier.cli.doors.gradient.tables import boxed

Run = Callable[..., Any]
CREATE = ("gradient", "experiments", "hyperparameters", "create")
NEEDED = {
    "tuningCommand": "make a",
    "workerCommand": "make b",
    "workerCount": "2",
    "workerContainer": "image",
    "workerMachineType": "K80",
}
DOCUMENTED = [
    "name",
    "projectId",
    "tuningCommand",
    "workerContainer",
    "workerMachineType",
    "workerCommand",
    "workerCount",
    "workspace",
    "workspaceUrl",
    "workspaceRef",
    "workspaceUsername",
    "workspacePassword",
    "ignoreFiles",
    "workingDirectory",
    "artifactDirectory",
    "clusterId",
    "experimentEnv",
    "ports",
    "modelType",
    "modelPath",
    "isPreemptible",
    "tag",
    "tags",
    "workerContainerUser",
    "workerRegistryUsername",
    "workerRegistryPassword",
    "workerUseDockerfile",
    "workerDockerfilePath",
    "hyperparameterServerContainer",
    "hyperparameterServerContainerUser",
    "hyperparameterServerMachineType",
    "hyperparameterServerRegistryUsername",
    "hyperparameterServerRegistryPassword",
    "workspaceArchive",
]


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTHIER_CONTAINER_ENGINE", "none")


def words(**changes: str | None) -> list[str]:
    given = {**NEEDED, **changes}
    return [*CREATE, *(w for name, value in given.items() if value is not None for w in (f"--{name}", value))]


def test_every_documented_option_is_there_and_in_the_table_of_the_docs() -> None:
    assert sorted(option.flag for option in OPTIONS) == sorted(DOCUMENTED)
    docs = Path(__file__).parents[3] / "docs" / "doors" / "gradient.md"
    text = docs.read_text(encoding="utf-8")
    for flag in (*DOCUMENTED, "apiKey", "optionsFile", "createOptionsFile", "strict", "show-native"):
        assert re.search(rf"`--{flag}\b", text), f"--{flag} is not in {docs.name}"


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_option_is_named(name: str, run: Run, tmp_path: Path) -> None:
    said = run(*words(**{name: None}))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        f"luthier {' '.join(CREATE)}: missing option '--{name}'; if it stands on a line"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"workerCount": "0"}, "0 is not in the range"),
        ({"workerCount": "two"}, "'two' is not a valid integer"),
        ({"workspace": "nowhere"}, "Failed to create resource: workspace: nowhere is no folder"),
        ({"workspace": "s3://b/c"}, "Failed to create resource: workspace: s3://b/c can't be fetched"),
        ({"workspace": ".", "workspaceUrl": "."}, "mean the same; give one of them"),
        ({"workspace": ".", "workingDirectory": "../x"}, "outside of the workspace"),
        ({"experimentEnv": "EPOCHS=3"}, "Failed to create resource: experimentEnv: Expecting value"),
        ({"experimentEnv": "[1]"}, "no JSON object"),
        ({"experimentEnv": '{"a b": 1}'}, "'a b' is no name of a variable"),
        ({"experimentEnv": '{"A": {"b": 1}}'}, "A has to be a text or a number"),
        ({"nope": "1"}, "no such option '--nope'"),
    ],
)
def test_a_bad_value_is_one_message_and_makes_nothing(
    changes: dict[str, str], said: str, run: Run, tmp_path: Path
) -> None:
    answer = run(*words(**changes))
    assert (answer.code, answer.out) == (2, "")
    assert said.lower() in answer.err.lower()
    assert "Traceback" not in answer.err
    assert tunings(tmp_path / ".luthier") == []


def test_without_an_engine_strict_is_an_error(run: Run, tmp_path: Path) -> None:
    said = run(*words(), "--strict")
    assert (
        said.code == 2
        and "Failed to create resource: the image image can't be used: no container" in said.err
    )
    assert tunings(tmp_path / ".luthier") == []


def test_create_prints_the_id_keeps_everything_and_lists_it(run: Run, tmp_path: Path) -> None:
    said = run(*words(name="n", projectId="p", clusterId="c", ports="5000:5000", tags="b,a"), "--tag", "c")
    found = re.fullmatch(r"Hyperparameter created with ID: (es\w{12})\n", said.out)
    assert found and said.code == 0
    [(_, tuning)] = tunings(tmp_path / ".luthier")
    assert (tuning.id, tuning.name, tuning.tags, tuning.ports) == (
        found[1],
        "n",
        ("a", "b", "c"),
        "5000:5000",
    )
    assert tuning.labels == {
        "workerMachineType": "K80",
        "projectId": "p",
        "clusterId": "c",
        "ports": "5000:5000",
    }
    assert said.err.count("note: kept as labels") == 1
    listed = run("gradient", "experiments", "list", "--projectId", "p", "--tag", "b").out
    assert f"| n    | {found[1]} | created |" in listed
    assert run("gradient", "experiments", "list", "--tag", "z").err == "No data found\n"


def test_tags_are_added_and_removed(run: Run, tmp_path: Path) -> None:
    run(*words(tags="a"))
    [(room, _)] = tunings(tmp_path / ".luthier")
    tags = ("gradient", "experiments", "hyperparameters", "tags")
    assert run(*tags, "add", "--id", room.id, "--tags", "b,c").out == "Tags added to hyperparameter\n"
    assert run(*tags, "remove", "--id", room.id, "--tag", "a").out == "Tags removed from hyperparameter\n"
    assert room.read().tags == ("b", "c")
    none = run(*tags, "add", "--id", room.id)
    assert (none.code, none.err.partition(";")[0]) == (2, f"luthier {' '.join(tags)} add: no tags provided")


# ---------------------------------------------------------------------- the file


def test_options_come_from_a_file_and_the_command_line_wins(run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.yaml").write_text(
        "name: from file\ntuningCommand: make a\nworkerCommand: make b\nworkerCount: 3\nworkerContainer: image\n"
        "workerMachineType: K80\nprojectId: 007\nexperimentEnv: {EPOCHS: 3, RATE: 1e-6}\ntag: [x, y]\nclusterId:\n"
    )
    assert run(*CREATE, "--optionsFile", "o.yaml", "--workerCount", "1").code == 0
    [(_, tuning)] = tunings(tmp_path / ".luthier")
    assert (tuning.name, tuning.worker_count, tuning.project_id) == ("from file", 1, "007")
    assert (tuning.env, tuning.tags) == ({"EPOCHS": "3", "RATE": "1e-6"}, ("x", "y"))


def test_an_address_with_a_user_or_token_is_not_kept(run: Run, tmp_path: Path) -> None:
    env = {
        "DATABASE": "postgres://ann:hunter2@host/db",
        "INDEX": "--extra https://hunter2@host/simple",
        "PAGE": "https://host/a@b",
        "MAIL": "ann@host",
    }
    made = run(*words(experimentEnv=json.dumps(env)))
    assert made.code == 0 and "the values of DATABASE, INDEX are not kept" in made.err
    [(room, tuning)] = tunings(tmp_path / ".luthier")
    assert tuning.env == {"PAGE": "https://host/a@b", "MAIL": "ann@host"}
    assert tuning.secret_names == ("DATABASE", "INDEX")
    assert not any(b"hunter2" in path.read_bytes() for path in room.path.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workerCont: 2\n", "o.yaml:1:1: there is no option 'workerCont' here (did you mean workerCount?)"),
        ("name: x\nworkerCount: many\n", "o.yaml:2:1: workerCount: 'many' is not a valid integer"),
        ("- a\n", "o.yaml:1:1: the file has to be a list of options"),
        ("name: [a]\n", "o.yaml:1:1: name: it takes one value"),
        ("name: {\n", "o.yaml:2:1: this is not YAML"),
    ],
)
def test_a_mistake_in_the_file_has_its_place(text: str, said: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.yaml").write_text(text)
    answer = run(*CREATE, "--optionsFile", "o.yaml")
    assert answer.code == 2 and said in answer.err


def test_the_template_has_all_options_and_no_secrets(run: Run, tmp_path: Path) -> None:
    made = run(
        *words(), "--apiKey", "hunter2", "--workspacePassword", "hunter2", "--createOptionsFile", "t.yaml"
    )
    text = (tmp_path / "t.yaml").read_text()
    assert made.code == 0 and "hunter2" not in text
    assert sorted(line.partition(":")[0] for line in text.splitlines()) == sorted([*DOCUMENTED, "apiKey"])
    assert tunings(tmp_path / ".luthier") == []
    assert run(*CREATE, "--optionsFile", "t.yaml").code == 0
    assert run(*CREATE, "--createOptionsFile", "t.yaml").code == 2  # an earlier one is not written over


# ---------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (
            ("gradient", "tensorboards", "create"),
            2,
            "is not built: the trials are shown live by: luthier tensorboard",
        ),
        (("gradient", "login"), 2, "there is no account"),
        (("gradient", "experimants"), 2, "there is no command 'experimants' (did you mean experiments?)"),
        (
            ("gradient", "experiments", "run", "singlenode", "--name", "x"),
            2,
            "'gradient experiments run singlenode' is",
        ),
        (("gradient", "jobs", "stop", "--id", "x"), 2, "the tasks end together"),
        (("gradient", "experiments", "details", "--id", "esnope"), 4, "there is no experiment esnope"),
        (("gradient", "experiments", "hyperparameters", "details"), 2, "missing option '--id'"),
        (("gradient", "jobs", "logs", "--id", "esnope-server"), 4, "there is no experiment esnope"),
    ],
)
def test_what_is_not_here_says_so(typed: tuple[str, ...], code: int, said: str, run: Run) -> None:
    answer = run(*typed)
    assert (answer.code, answer.out) == (code, "") and said in answer.err


def test_show_native_runs_nothing(run: Run, tmp_path: Path) -> None:
    said = run(*words(workspace="git+https://host/x"), "--show-native")
    assert said.code == 0 and "luthier hyperopt-worker" in said.out and "git clone https://host/x" in said.out
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_is_not_there_names_those_that_are(run: Run, tmp_path: Path) -> None:
    run(*words())
    [(room, _)] = tunings(tmp_path / ".luthier")
    said = run("gradient", "jobs", "logs", "--id", f"{room.id}-worker-9")
    assert said.code == 4 and f"{room.id}-worker-2" in said.err and f"{room.id}-store" in said.err
    assert run("gradient", "jobs", "logs", "--id", f"{room.id}-server").err == "No logs found\n"
    jobs = json.loads(run("gradient", "jobs", "list", "--json").out)["jobs"]
    assert [job["state"] for job in jobs] == ["created"] * 4


def test_tables_fit_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("ID", "MESSAGE"), ("1", "x" * 100), ("2", "eé\n\x1b[31m")]
    assert boxed(rows, "T").splitlines()[0] == "+T" + "-" * 3 + "+" + "-" * 102 + "+"
    assert "\x1b" not in boxed(rows)
    monkeypatch.setattr("luthier.cli.doors.gradient.tables.terminal_width", lambda: 40)
    assert {len(line) for line in boxed(rows).splitlines()} == {40}

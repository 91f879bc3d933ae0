"""Gradient's page on hyperparameter tuning: its command, with `luthier` in front, on a project that nobody changed.

The project is a small one of our own, laid out as the page's example is: a Makefile that installs what is needed and runs
the two commands, a program that calls `hyper_tune`, an objective that keeps a file for each result.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from luthier.compat import gradient_sdk
from luthier.compat.hyperopt import hp, tpe
from luthier.compat.hyperopt import mongoexp as mongo
from luthier.compat.shims import NO_WORKERS
from luthier.store import open_store

PAGE = Path(__file__).with_name("quoted") / "gradient.txt"
COMMAND = """\
gradient experiments hyperparameters run \\
  --name HyperoptKerasExperimentCLI1 \\
  --projectId <your-project-id> \\
  --tuningCommand 'make run_hyperopt' \\
  --workerContainer tensorflow/tensorflow:1.13.1-gpu-py3 \\
  --workerMachineType K80 \\
  --workerCommand 'make run_hyperopt_worker' 
  --workerCount 2 \\
  --workspace git+https://github.com/Paperspace/hyperopt-keras-sample
"""  # noqa: W291  one line of the page lacks its last character
ANSWER = "Hyperparameter created with ID: <experiment_id> and started"
PROGRAM = """\
from gradient_sdk import hyper_tune

# Prepare model and search scope

# minimal version
argmin1 = hyper_tune(model, scope)

# pass more arguments
argmin2 = hyper_tune(model, scope, algo=tpe.suggest, max_evals=100)
"""
PROJECT = {
    "Makefile": """
        HERE=$(shell pwd)
        CODE=$(HERE)/tuning

        packages:
        \tpip install -r requirements.txt

        run_hyperopt: packages
        \tcd $(CODE) && python search.py

        run_hyperopt_worker: packages
        \tcd $(CODE) && export PYTHONPATH=$PYTHONPATH:$(pwd) && hyperopt-mongo-worker --mongo \
$(MONGO_DB_HOST):$(MONGO_DB_PORT)/$(EXPERIMENT_NAME) --poll-interval=0.1 --exp-key=$(EXPERIMENT_NAME)
    """,
    "requirements.txt": "numpy\n",
    "tuning/search.py": """
        import os
        import hyperopt
        from hyperopt import hp, tpe
        from gradient_sdk.hyper_parameter import hyper_tune
        from network import train

        MAX_EVALS = os.environ.get("HKS_MAX_EVALS", 4)
        space = {
            "rate": hp.loguniform("rate", -4, 0),
            "drop_proba": hp.uniform("dropout_proba", 0.0, 0.35),
            "first": hp.choice("first", [None, hp.choice("first_size", [3, 4])]),
            "units": hp.quniform("units", 100, 450, 5),
        }
        print("Max evals:", MAX_EVALS, hyperopt.__name__)
        best = hyper_tune(train, space, algo=tpe.suggest, max_evals=int(MAX_EVALS))
        print("Best:", sorted(best))
    """,
    "tuning/network.py": """
        import traceback
        import hyperopt
        from hyperopt import STATUS_FAIL, STATUS_OK
        from results import keep

        def train(point):
            try:
                print("training", sorted(point), hyperopt.__name__, flush=True)
                loss = (point["rate"] - 0.3) ** 2 + point["drop_proba"]
                result = {"loss": loss, "real_loss": loss, "space": point, "history": [loss], "status": STATUS_OK}
                keep(result)
                return result
            except Exception as error:
                return {"status": STATUS_FAIL, "err": str(error), "traceback": traceback.format_exc()}
    """,
    "tuning/results.py": """
        import json, os, uuid

        def keep(result):
            os.makedirs("results", exist_ok=True)
            with open(f"results/model_{result['loss']:.5f}_{uuid.uuid4().hex[:5]}.txt.json", "w") as file:
                json.dump(result, file)
    """,
}


class Ran(NamedTuple):
    """What a command said, and its exit code."""

    out: str
    err: str
    code: int


def ran(folder: Path, *words: str) -> Ran:
    """Runs `luthier` with these words in a process of its own, as a shell would."""
    done = subprocess.run(
        [sys.executable, "-m", "luthier", *words],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=90,
    )
    return Ran(done.stdout, done.stderr, done.returncode)


def _environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LUTHIER_")}
    return {**plain, "LUTHIER_CONTAINER_ENGINE": "none", "NO_COLOR": "1", "PIP_NO_INDEX": "1"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a git repository with the project."""
    folder = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text).lstrip("\n"))
    person = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    for words in (["init", "-q"], ["add", "-A"], [*person, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    return f"git+file://{folder}"


class Finished(NamedTuple):
    """An experiment that has ended: where, what its command said, its id, what following its logs said."""

    folder: Path
    said: Ran
    id: str
    logs: Ran

    def luthier(self, *words: str) -> Ran:
        return ran(self.folder, *words)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, project: str) -> Finished:
    """The page's command, run to its end. Only the id and the address stand in it, and the missing backslash."""
    folder = tmp_path_factory.mktemp("empty")
    said = ran(folder, *_words(project))
    found = re.search(r"ID: (\w+) and", said.out)
    assert found, said
    logs = ran(folder, "gradient", "experiments", "logs", "--id", found[1], "--follow")
    return Finished(folder, said, found[1], logs)


def _words(project: str) -> list[str]:
    import shlex

    text = COMMAND.replace("' \n", "' \\\n").replace("<your-project-id>", "prjq23od8")
    text = text.replace("git+https://github.com/Paperspace/hyperopt-keras-sample", project)
    return shlex.split(text.replace("\\\n", " "))


def test_the_page_says_what_is_tested_here() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for text in (COMMAND, ANSWER, PROGRAM):
        assert f"\n{text.rstrip(chr(10))}\n" in page
    assert all(f"hp.{name}(" in page for name in ("randint", "qlognormal", "choice"))


def test_check_31_the_page_s_command_prints_what_the_page_prints(finished: Finished) -> None:
    assert finished.said.code == 0
    assert finished.said.out == ANSWER.replace("<experiment_id>", finished.id) + "\n"
    assert re.fullmatch(r"es[a-z0-9]{12}", finished.id)


def test_check_32_a_command_that_was_cut_in_two_starts_nothing_and_is_told_why(tmp_path: Path) -> None:
    """The page's command word for word: the shell takes it for two."""
    function = f'luthier() {{ {sys.executable} -m luthier "$@"; echo "exit $?" >&2; }}\n'
    text = COMMAND.replace("<your-project-id>", "p")
    done = subprocess.run(
        ["sh", "-c", f"{function}luthier {text}"],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == ""
    first, second = done.stderr.splitlines()[:2]
    assert first.startswith(
        "luthier gradient experiments hyperparameters run: missing option '--workerCount'; "
    )
    assert "the line before lacks its final \\" in first
    assert second == "exit 2"
    assert list(tmp_path.iterdir()) == []
    blank = ran(tmp_path, *_words("none")[:-2], " ", "--workspace", "none")
    assert (blank.code, blank.out) == (2, "") and "a blank stands after the \\" in blank.err


def test_check_33_each_job_has_its_own_log(finished: Finished) -> None:
    jobs = [f"{finished.id}-{task}" for task in ("server", "worker-1", "worker-2", "store")]
    listed = finished.luthier("gradient", "jobs", "list", "--experimentId", finished.id, "--json")
    states = {job["id"]: job["state"] for job in json.loads(listed.out)["jobs"]}
    assert states == dict.fromkeys(jobs, "stopped")
    logs = {job: finished.luthier("gradient", "jobs", "logs", "--id", job).out for job in jobs}
    server, one, two, store = logs.values()
    assert "| Max evals: 4 luthier.compat.hyperopt " in server and "training" not in server
    assert "hyperopt-mongo-worker --mongo localhost:27017" in one and "Max evals" not in one + two
    training = "training ['drop_proba', 'first', 'rate', 'units'] luthier.compat.hyperopt"
    assert (one + two).count(training) == 4  # also where the Makefile has lost PYTHONPATH
    assert store.count(" finished trial 1.") == 4
    assert server.startswith(f"+Job {jobs[0]} logs--") and "\n| LINE | MESSAGE " in server
    assert f"{jobs[0]}\t1\tpip install" in finished.logs.out


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store for programs; fmin evaluates by itself at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mongo, "PATIENCE_SECONDS", 0.0)
    for name in gradient_sdk.MONGO:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "runs"


def test_check_34_the_page_s_program_makes_as_many_evaluations_as_it_says(
    sdk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUTHIER_STORE", str(sdk))
    seen: dict[str, Any] = {"model": lambda x: (x - 1) ** 2, "scope": hp.uniform("x", -2, 2), "tpe": tpe}
    first, second = PROGRAM.replace("gradient_sdk", "luthier.compat.gradient_sdk").split("# pass more")
    exec(first, seen)
    store = open_store(sdk, read_only=True)
    try:
        assert (sorted(seen["argmin1"]), store.experiments()[0].finished) == (["x"], 25)
        exec("# pass more" + second, seen)
        assert (sorted(seen["argmin2"]), store.experiments()[0].finished) == (["x"], 100)
    finally:
        store.close()


def test_fmin_leaves_the_trials_to_workers_that_are_on_their_way(
    sdk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would propose nothing to them while it evaluates; it does so once there are none."""
    sign, helped, as_it_is = sdk.parent / "no-workers", list[bool](), mongo.MongoTrials.help_out

    def help_out(self: Any, domain: Any) -> bool:
        helped.append(as_it_is(self, domain))
        if len(helped) == 3:
            sign.touch()
        return helped[-1]

    monkeypatch.setattr(mongo.MongoTrials, "help_out", help_out)
    monkeypatch.setenv("LUTHIER_STORE", str(sdk))
    monkeypatch.setenv(NO_WORKERS, str(sign))
    gradient_sdk.hyper_tune(lambda x: x, hp.uniform("x", 0, 1), max_evals=2)
    assert helped[:3] == [False] * 3 and helped.count(True) == 2


def test_check_35_without_a_store_or_with_one_that_can_t_be_used_it_is_a_config_error(
    sdk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(gradient_sdk.ConfigError, match="MONGO_DB_HOST.*MONGO_DB_PORT.*EXPERIMENT_NAME"):
        gradient_sdk.hyper_tune(lambda x: x, hp.uniform("x", 0, 1))
    for name, value in zip(gradient_sdk.MONGO, ("nowhere.invalid", "27017", "mine"), strict=True):
        monkeypatch.setenv(name, value)

    def unknown(host: str, *_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, f"no {host}")

    with monkeypatch.context() as offline, pytest.raises(gradient_sdk.ConfigError, match=r"nowhere\.invalid"):
        offline.setattr(socket, "getaddrinfo", unknown)
        gradient_sdk.hyper_tune(lambda x: x, hp.uniform("x", 0, 1))
    assert not list(Path.cwd().glob(".luthier")), "nothing was kept here instead"
    sdk.touch()
    monkeypatch.setenv("LUTHIER_STORE", str(sdk / "below-a-file"))
    with pytest.raises(gradient_sdk.ConfigError, match="can't be used"):
        gradient_sdk.hyper_tune(lambda x: x, hp.uniform("x", 0, 1))


def test_check_38_all_trials_stand_in_one_table_and_one_picture(finished: Finished) -> None:
    details = finished.luthier("gradient", "experiments", "hyperparameters", "details", "--id", finished.id)
    native = finished.luthier("show", "1", "--sort", "value")
    table = details.out[details.out.index("TRIAL ") :]
    assert table == native.out
    losses = [float(line.split()[2]) for line in table.splitlines()[1:]]
    assert len(losses) == 4 and losses == sorted(losses)
    assert "luthier plot 1 parallel" in details.err
    assert finished.luthier("plot", "1", "parallel", "-o", "p.svg").code == 0
    assert (finished.folder / "p.svg").read_text().startswith("<svg")


def test_check_75_a_machine_type_is_a_tag_that_is_kept_and_shown(finished: Finished) -> None:
    notes = [line for line in finished.said.err.splitlines() if line.startswith("note: ")]
    assert notes == ["note: kept as labels, without effect on one machine: --workerMachineType, --projectId"]
    assert "| Worker machine type   | K80 " in details_of(finished).out


def test_check_81_an_unchanged_project_completes_with_luthier_s_hyperopt(finished: Finished) -> None:
    said = json.loads(
        finished.luthier("gradient", "experiments", "details", "--id", finished.id, "--json").out
    )
    assert (said["state"], said["reason"]) == ("stopped", None)
    ended = {job["task"]: (job["exit_code"], job["reason"]) for job in said["jobs"]}
    assert ended["server"] == (0, "it exited with code 0")
    assert ended["worker-1"][1] == ended["worker-2"][1] == "the tuning command has ended"
    assert said["searches"] == [{"experiment": 1, "name": finished.id, "trials": 4, "finished": 4}]
    assert said["commit"] and said["workspace"].startswith("git+file://")
    tasks = finished.folder / ".luthier" / "gradient" / finished.id / "tasks"
    assert len(list(tasks.glob("worker-*/workspace/tuning/results/*.json"))) == 4
    assert "Best: ['dropout_proba', 'first', 'rate', 'units']" in finished.logs.out.replace(
        ", 'first_size'", ""
    )


def test_no_process_and_no_container_line_is_lost(finished: Finished) -> None:
    """What the page promises of containers is said loudly once, at submission, and shown again with the details."""
    said = "the tasks run on this machine, each with a Python environment of its own, and not in tensorflow/"
    assert finished.said.err.count(said) == 1
    assert said in details_of(finished).err
    held = [
        path.name
        for path in Path("/proc").glob("[0-9]*")
        if finished.id.encode() in _content(path / "cmdline")
    ]
    assert held == []


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_the_details_table_is_gradient_s(finished: Finished) -> None:
    lines = details_of(finished).out.splitlines()
    rule = lines[0]
    assert re.fullmatch(r"\+-+\+-+\+", rule)
    assert (lines[2], lines[13]) == (rule, rule)
    names = [line.split("|")[1].strip() for line in lines[1:13] if line.startswith("|")]
    assert names == [
        "ID",
        "Name",
        "Ports",
        "Project ID",
        "Tuning command",
        "Worker command",
        "Worker container",
        "Worker count",
        "Worker machine type",
        "Worker use dockerfile",
        "Workspace URL",
    ]
    listed = finished.luthier("gradient", "experiments", "hyperparameters", "list").out.splitlines()
    assert [line.strip("| ").split() for line in listed if line.startswith("|")] == [
        ["Name", "|", "ID", "|", "Project", "ID"],
        ["HyperoptKerasExperimentCLI1", "|", finished.id, "|", "prjq23od8"],
    ]


def details_of(finished: Finished) -> Ran:
    return finished.luthier("gradient", "experiments", "hyperparameters", "details", "--id", finished.id[:6])


def test_metrics_of_the_trials_in_gradient_s_form(finished: Finished) -> None:
    got = finished.luthier(
        "gradient", "experiments", "metrics", "get", "--id", finished.id, "--metric", "loss"
    )
    found = json.loads(got.out)
    assert list(found) == ["loss"] and sorted(found["loss"]) == ["1.1", "1.2", "1.3", "1.4"]
    assert all(set(value) == {"time_stamp", "value"} for [value] in found["loss"].values())
    listed = finished.luthier("gradient", "experiments", "metrics", "list", "--id", finished.id)
    assert listed.out == "loss\n"
    refused = finished.luthier(
        "gradient", "experiments", "metrics", "get", "--id", finished.id, "--metric", "gpuTemp"
    )
    assert refused.code == 2 and "gpuTemp is not measured here" in refused.err

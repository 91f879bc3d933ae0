"""RiseML's page and its reference, command by command: the file as it stands, the tables, the log, the outputs.

The training programs are stand-ins of a few lines, for the page leaves its own out. The page's file and tables, as they
stand in `quoted/`, are compared with the ones here.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from luthier.cli import main
from luthier.cli.doors.riseml import states as riseml_states
from luthier.cli.doors.riseml.config import read_job
from luthier.cli.doors.riseml.describing import describe
from luthier.cli.doors.riseml.states import State, Sub, whole
from luthier.store import Wish, open_store
from luthier.trial import Outcome

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

PAGE = Path(__file__).with_name("quoted") / "riseml.txt"
FILE = """\
project: ai-toaster
train:
  resources:
    cpus: 2
    mem: 4096
    gpus: 2
  parameters:
    lr:
      - 0.0001
      - 0.001
    lr-decay:
      - 1e-6
      - 1e-7
    epochs:
      - 20
      - 30
  concurrency: 2
  image:
    name: nvidia/cuda:8.0-cudnn7-runtime
  run: >-
    python train_model.py --num-layers {{num-layers}}
                          --learning-rate {{learning-rate}}
                          --training-data /data/ai-toaster
"""
STATUS = """\
ID: 144
Type: Set
State: STARTING
Project: ai-toaster

EXP ID STATE     AGE           PARAMS
144.1  STARTING  8 second(s)   epochs=20, lr=0.0001, lr-decay=1e-6
144.2  STARTING  8 second(s)   epochs=20, lr=0.0001, lr-decay=1e-7
144.3  CREATED   8 second(s)   epochs=20, lr=0.001, lr-decay=1e-6
144.4  CREATED   8 second(s)   epochs=20, lr=0.001, lr-decay=1e-7
144.5  CREATED   8 second(s)   epochs=30, lr=0.0001, lr-decay=1e-6
144.6  CREATED   8 second(s)   epochs=30, lr=0.0001, lr-decay=1e-7
144.7  CREATED   8 second(s)   epochs=30, lr=0.001, lr-decay=1e-6
144.8  CREATED   8 second(s)   epochs=30, lr=0.001, lr-decay=1e-7
"""
CONFIGURATION = """\
image:
  name: nvidia/cuda:8.0-cudnn7-runtime
params:
  epochs: 20
  lr: 0.0001
  lr-decay: 1e-7
project: ai-toaster
resources:
  cpus: 2
  gpus: 2
  mem: 4096
revision: 4efd8d995e0c1635296ec3c404276c8d4ff2d87c
run:
  run: >-
    python train_model.py --num-layers {{num-layers}}
                          --learning-rate {{learning-rate}}
                          --training-data /data/ai-toaster
"""
TOLD = """\
import os, sys
print(sys.argv[1:], flush=True)
print({name: os.environ[name] for name in ("LR", "LR_DECAY", "EPOCHS", "EXPERIMENT_ID")})
open(os.path.join(os.environ["OUTPUT_DIR"], "toaster.model"), "w").write("model")
import riseml
print(riseml.report_result(accuracy=.3, loss=.1))
"""
WAITS = "echo up\nwhile [ ! -e go-$EXPERIMENT_ID -a ! -e go ]; do sleep 0.05; done\n"


class Said(NamedTuple):
    out: str
    err: str
    code: int


Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `luthier riseml WORDS` in a project of the test's own, without containers unless the test says otherwise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LUTHIER_CONTAINER_ENGINE", "none")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")

    def words(*argv: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        kept = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err
        try:
            code = main(["riseml", *argv])
        finally:
            sys.stdout, sys.stderr = kept
        return Said(out.getvalue(), err.getvalue(), code)

    return words


def project(path: Path, run: str = "true", *more: str, name: str = "toaster") -> None:
    """Writes a small riseml.yml: its `run` and the lines below `train`."""
    lines = [f"project: {name}", "train:", *(f"  {line}" for line in more), f"  run: {json.dumps(run)}"]
    (path / "riseml.yml").write_text("\n".join(lines) + "\n")


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def states(run: Run, id: str = "1") -> dict[str, str]:
    """The states of a set's parts, as `status` prints them."""
    rows = run("status", id).out.split("\n\n", 1)[1].splitlines()[1:]
    return {row.split()[0]: row.split()[1] for row in rows}


def outputs(path: Path, id: str, project: str = "ai-toaster") -> Path:
    return path / ".luthier" / "output" / project / id.partition(".")[0] / id


def is_finished(log: str) -> bool:
    """Whether a log tells that the set has finished."""
    return re.search(r"^1 +\| \[.*\] --> FINISHED$", log, re.MULTILINE) is not None


def stdout(path: Path, number: int) -> str:
    return (path / f".luthier/trials/1/{number}/attempt-1/stdout.log").read_text()


# ---------------------------------------------------------------------- the page


def test_the_page_is_as_here() -> None:
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert blocks[0] == FILE
    assert blocks[2].strip() == STATUS.strip()
    assert blocks[3].strip() == CONFIGURATION.strip()


def test_the_page_from_train_to_outputs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "riseml.yml").write_text(FILE)
    (tmp_path / "train_model.py").write_text(TOLD)
    said = run("train")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert re.fullmatch(r"Syncing project \(\d+(\.\d)? k?B, 2 files\)\.\.\.done", lines[0])
    stamp = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\]"
    for line, begin in zip(
        lines[1:4], ("1               | ", "1.1             | ", "1.2             | "), strict=True
    ):
        state = "CREATED" if begin.startswith("1.2") else "PENDING"
        assert re.fullmatch(rf"{re.escape(begin)}{stamp} --> {state}", line)
    assert lines[-1].endswith("--> FINISHED") and lines[-1].startswith("1      ")
    with closing(open_store(tmp_path / ".luthier", read_only=True)) as store:
        assert [t.result.outcome for t in store.trials(1) if t.result] == [Outcome.SUCCEEDED] * 8
        assert {s.metric for s in store.summaries(1, 1)} >= {"accuracy", "loss"}
    assert (outputs(tmp_path, "1.8") / "toaster.model").read_text() == "model"


def test_check_19_the_pages_file_in_the_pages_order(run: Run, tmp_path: Path) -> None:
    (tmp_path / "riseml.yml").write_text(FILE)
    (tmp_path / "train_model.py").write_text("")
    assert run("train").code == 0
    table = run("status", "1").out.split("\n\n", 1)[1]
    assert [line.split(")   ")[-1] for line in table.splitlines()[1:]] == [
        line.split(")   ")[-1] for line in STATUS.split("\n\n", 1)[1].splitlines()[1:]
    ]
    assert [line.split()[0] for line in table.splitlines()[1:]] == [f"1.{n}" for n in range(1, 9)]


def test_check_20_the_status_of_the_page(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.drive.beginning import begin

    (tmp_path / "riseml.yml").write_text(FILE)
    description = describe(read_job("riseml.yml"), "0" * 40).description
    record = begin(tmp_path / ".luthier", description, ahead=8, drives=False).record
    store = open_store(tmp_path / ".luthier")
    store.claim(record.id, 2, "somebody", "nonce")
    store.close()
    monkeypatch.setattr("luthier.clock.SystemClock.now", lambda self: record.created + 8.5)
    shown = [line.split(maxsplit=2) for line in run("status", str(record.id)).out.splitlines()]
    page = [line.replace("144", str(record.id)).split(maxsplit=2) for line in STATUS.splitlines()]
    assert shown == page


def test_check_20_concurrency(run: Run, tmp_path: Path) -> None:
    parameters = ("parameters: {x: [1, 2, 3, 4]}",)
    project(tmp_path, WAITS, *parameters, "concurrency: 2")
    assert run("train", "-d").code == 0
    until(lambda: list(states(run).values()).count("RUNNING") == 2, "two run")
    assert states(run) == {"1.1": "RUNNING", "1.2": "RUNNING", "1.3": "CREATED", "1.4": "CREATED"}
    (tmp_path / "go-1.1").touch()
    until(lambda: states(run)["1.3"] == "RUNNING", "the next one runs")
    assert list(states(run).values()).count("RUNNING") == 2
    project(tmp_path, WAITS, *parameters)
    run("train", "-d")
    until(lambda: states(run, "2")["2.1"] == "RUNNING", "one runs")
    assert list(states(run, "2").values()) == ["RUNNING", "CREATED", "CREATED", "CREATED"]
    (tmp_path / "go").touch()
    run("logs", "1"), run("logs", "2")
    assert set(states(run, "2").values()) == {"FINISHED"}


def test_check_21_and_22_one_command_with_its_arguments_and_variables(run: Run, tmp_path: Path) -> None:
    text = FILE.replace("num-layers}}", "epochs}}").replace("learning-rate}}", "lr-decay}}")
    (tmp_path / "riseml.yml").write_text(text)
    (tmp_path / "train_model.py").write_text(TOLD)
    assert run("train").code == 0
    arguments, variables, reported = stdout(tmp_path, 1).splitlines()
    words = ["--num-layers", "20", "--learning-rate", "1e-6", "--training-data", "/data/ai-toaster"]
    assert arguments == str(words)
    assert variables == "{'LR': '0.0001', 'LR_DECAY': '1e-6', 'EPOCHS': '20', 'EXPERIMENT_ID': '1.1'}"
    assert reported == "None"


def test_check_23_both_lists_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "riseml.yml").write_text(FILE)
    (tmp_path / "train_model.py").write_text("import sys; print(sys.argv[1:])")
    said = run("train")
    assert (
        "{{num-layers}}, {{learning-rate}} in run are no parameters of this file; they are passed as written"
        in said.err
    )
    assert (
        "epochs, lr, lr-decay have no {{…}} in run; the command finds them as EPOCHS, LR, LR_DECAY"
        in said.err
    )
    assert "'{{num-layers}}'" in stdout(tmp_path, 1)


def test_check_24_the_configuration_beside_the_outputs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "riseml.yml").write_text(FILE)
    (tmp_path / "train_model.py").write_text("")
    assert run("train").code == 0
    written = (outputs(tmp_path, "1.2") / "riseml-configuration.yml").read_text()
    revision = re.search(r"^revision: ([0-9a-f]{40})$", written, re.MULTILINE)
    assert revision is not None
    assert written == CONFIGURATION.replace("4efd8d995e0c1635296ec3c404276c8d4ff2d87c", revision[1])
    with closing(open_store(tmp_path / ".luthier", read_only=True)) as store:
        assert store.experiment(1).description.bundles["code"].startswith(revision[1])


def test_check_24_the_revision_of_git(run: Run, tmp_path: Path) -> None:
    project(
        tmp_path,
        "true ${LUTHIER_TRIAL} '{{x}}'",
        "parameters: {x: ['007', 7]}",
        "tensorflow: {version: 1.2.0}",
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / ".gitignore").write_text(".luthier\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    assert run("train").code == 0
    written = (outputs(tmp_path, "1.1", "toaster") / "riseml-configuration.yml").read_text()
    assert written.splitlines() == [
        "params:",
        '  x: "007"',
        "project: toaster",
        f"revision: {head}",
        "run:",
        "  run: \"true ${LUTHIER_TRIAL} '{{x}}'\"",
        "tensorflow:",
        '  version: "1.2.0"',
    ]
    (tmp_path / "new.py").write_text("")
    run("train")
    changed = (outputs(tmp_path, "2.1", "toaster") / "riseml-configuration.yml").read_text()
    assert head not in changed and re.search("revision: [0-9a-f]{40}\n", changed)


def test_check_25_ranges_without_drift(run: Run, tmp_path: Path) -> None:
    project(
        tmp_path,
        "true {{n}} {{f}}",
        "parameters:",
        "  n: {range: {min: 3, max: 5, step: 1}}",
        "  f: {range: {min: 0.1, max: 0.3, step: 0.1}}",
    )
    space = read_job("riseml.yml").space
    assert space.names == ("f", "n")
    assert [[p.domain.at(i).text for i in range(3)] for p in space.parameters] == [
        ["0.1", "0.2", "0.3"],
        ["3", "4", "5"],
    ]
    assert [p.domain.count() for p in space.parameters] == [3, 3]


def test_check_26_a_failing_one_and_a_killed_one_leave_the_others(run: Run, tmp_path: Path) -> None:
    script = f"{WAITS}[ {{{{x}}}} != 2 ] || exit 5"
    project(tmp_path, script, "parameters: {x: [1, 2, 3]}", "concurrency: 3")
    run("train", "-d")
    until(lambda: list(states(run).values()).count("RUNNING") == 3, "three run")
    (tmp_path / "go-1.2").touch()
    until(lambda: states(run)["1.2"] == "FAILED", "one has failed")
    assert "State: RUNNING" in run("status", "1").out
    assert run("kill", "1.3").out == "killed experiment 1.3\n"
    assert states(run) == {"1.1": "RUNNING", "1.2": "FAILED", "1.3": "KILLED"}
    assert run("kill", "1.3") == Said("", "experiment 1.3 is not running\n", 1)
    (tmp_path / "go").touch()
    assert is_finished(run("logs").out)
    assert "State: FINISHED" in run("status", "1").out
    assert "Reason: it exited with code 5" in run("status", "1.2").out


@pytest.mark.parametrize(
    ("failed", "note"), [(3, "the first 3 all failed, so no more"), (2, "nobody drives")]
)
def test_killed_ones_are_not_among_the_first_that_failed(failed: int, note: str) -> None:
    ended = [State.FAILED] * failed + [State.KILLED] * 2
    parts = [Sub(number, state, {}) for number, state in enumerate([*ended, State.CREATED], 1)]
    place = SimpleNamespace(activity=lambda _: lambda _: False, hint=str)
    record = SimpleNamespace(id=1, finished=len(ended), succeeded=0)
    found = whole(cast("Any", place), cast("Any", None), cast("Any", record), parts)
    assert found.note.startswith(note)
    assert (found.state is State.FAILED) == (failed == 3)


def test_killing_a_set_ends_what_runs_and_what_waits(run: Run, tmp_path: Path) -> None:
    project(tmp_path, WAITS, "parameters: {x: [1, 2, 3]}")
    run("train", "-d")
    until(lambda: states(run)["1.1"] == "RUNNING", "one runs")
    assert run("kill").out == "killed experiment 1\n"
    assert set(states(run).values()) == {"KILLED"}
    assert "State: KILLED" in run("status", "1").out
    assert "no experiment is running" in run("status").err


def test_check_27_what_status_lists(run: Run, tmp_path: Path) -> None:
    assert "no experiment is running" in run("status").err
    project(tmp_path, "true")
    assert run("train").code == 0
    project(tmp_path, WAITS, "parameters: {x: [1, 2]}", name="ai-toaster")
    run("train", "-d")
    until(lambda: states(run, "2")["2.1"] == "RUNNING", "it runs")
    listed = run("status").out
    assert re.fullmatch(
        r"ID     PROJECT    STATE    AGE           TYPE\n"
        r"2      ai-toaster RUNNING  \d+ second\(s\)   Set\n"
        r"\n"
        r"EXP ID STATE     AGE           PARAMS\n"
        r"2\.1    RUNNING   \d second\(s\)   x=1\n"
        r"2\.2    CREATED   \d second\(s\)   x=2\n",
        listed,
    )
    everything = run("status", "-a").out
    assert re.search(r"^1      toaster    FINISHED \d+ second\(s\)   Experiment$", everything, re.MULTILINE)
    assert run("status", "2").out.startswith(
        "ID: 2\nType: Set\nState: RUNNING\nProject: ai-toaster\n\nEXP ID"
    )
    assert "Output: " in run("status", "-l", "2").out
    (tmp_path / "go").touch()
    run("logs", "2")


def test_check_28_the_log_and_how_to_come_back_to_it(run: Run, tmp_path: Path) -> None:
    project(tmp_path, WAITS, "parameters: {x: [1, 2]}")
    words = [sys.executable, "-m", "luthier", "riseml", "train"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.endswith("] up\n"):
            process.send_signal(signal.SIGINT)
            break
    rest = process.stdout.read()
    process.wait(20)
    process.stdout.close()
    assert re.fullmatch(r"1\.1             \| \[[0-9T:-]+Z\] up\n", seen[-1])
    assert rest.endswith(
        "\nJob will continue in background.\nType `luthier riseml logs 1` to connect to log stream again.\n"
    )
    assert states(run)["1.1"] == "RUNNING"
    (tmp_path / "go").touch()
    again = run("logs").out
    assert again.count("] up") == 2 and is_finished(again)


def test_the_log_of_what_is_over_is_in_order_of_its_times(run: Run, tmp_path: Path) -> None:
    project(
        tmp_path, "echo hello {{x}}; sleep 0.1; echo bye >&2", "parameters: {x: [1, 2]}", "concurrency: 1"
    )
    assert run("train").code == 0
    lines = run("logs", "1").out.splitlines()
    times = [line[line.index("[") + 1 : line.index("]")] for line in lines]
    assert times == sorted(times)
    for part, other in (("1.1", "1"), ("1.2", "2")):
        mine = [line.rpartition("] ")[2] for line in lines if line.startswith(f"{part} ")]
        assert mine[-3:] == [f"hello {other}", "bye", "--> FINISHED"] and "--> RUNNING" in mine[:-3]
    assert lines[-1].startswith("1 ") and lines[-1].endswith("--> FINISHED")


def test_check_29_event_files_are_runs_of_the_set(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from urllib.request import urlopen

    program = (
        "import os\nfrom tensorboard.summary.writer.event_file_writer import EventFileWriter\n"
        "from tensorboard.compat.proto.event_pb2 import Event\n"
        "from tensorboard.compat.proto.summary_pb2 import Summary\n"
        "w = EventFileWriter(os.environ['OUTPUT_DIR'])\n"
        "w.add_event(Event(step=1, summary=Summary(value=[Summary.Value(tag='loss', simple_value=1)])))\nw.close()\n"
    )
    (tmp_path / "write.py").write_text(program)
    project(
        tmp_path,
        f"python write.py\n{WAITS}",
        "parameters: {x: [1, 2]}",
        "concurrency: 2",
        "framework: tensorflow",
        "tensorflow: {tensorboard: true, distributed: false}",
    )
    assert run("train", "-d").code == 0
    until(lambda: "Tensorboard: http" in run("status", "1").out, "TensorBoard serves", 60)
    url = re.search(r"^Tensorboard: (http\S+/)$", run("status", "1").out, re.MULTILINE)
    assert url is not None

    def runs() -> object:
        with urlopen(f"{url[1]}data/runs") as answer:
            return json.load(answer)

    until(lambda: runs() == ["1.1", "1.2"], "both are runs")
    (tmp_path / "go").touch()
    assert is_finished(run("logs").out)
    until(lambda: "Tensorboard:" not in run("status", "1").out, "it ends with the set")


def test_check_30_a_list_stops_at_the_first_that_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "riseml.yml").write_text(
        "project: p\ntrain:\n  run:\n    - echo one; cd /\n    - pwd # where\n    - exit 4\n    - echo never\n"
    )
    said = run("train")
    assert said.code == 1
    assert stdout(tmp_path, 1) == "one\n/\n"
    assert "State: FAILED" in run("status", "1").out and "it exited with code 4" in run("status", "1").out


# ---------------------------------------------------------------------- the reference


def test_check_75_what_of_resources_can_not_be_had_is_said_and_kept(run: Run, tmp_path: Path) -> None:
    project(tmp_path, "true", "resources: {cpus: 999, mem: 2, gpus: 64}", "parameters: {x: [1]}")
    said = run("train")
    assert said.code == 0
    assert "asks for 64 GPUs a sub-experiment, and" in said.err and "the trials run without" in said.err
    assert "mem: 2 is taken as 2 gigabytes; from 64 on it is megabytes" in said.err
    assert "999 cpus each are more than" in said.err
    assert "the trials run without" in run("status", "1").err
    with closing(open_store(tmp_path / ".luthier", read_only=True)) as store:
        assert store.experiment(1).description.limits.memory_bytes == 2_000_000_000
    strict = run("train", "--strict")
    assert strict.code == 2 and "leave --strict out" in strict.err


def test_a_single_experiment_has_the_number_alone(run: Run, tmp_path: Path) -> None:
    project(tmp_path, "echo $EXPERIMENT_ID", "framework: tensorflow")
    said = run("train")
    assert said.code == 0 and re.search(r"^1\.train +\| \[.*\] 1$", said.out, re.MULTILINE)
    assert run("status", "1").out.startswith(
        "ID: 1\nType: Experiment\nState: FINISHED\nFramework: tensorflow\n"
    )
    assert (tmp_path / ".luthier/output/toaster/1/riseml-configuration.yml").exists()
    for id in ("1.train", "paul.1", "1.1"):
        assert run("status", id).out.startswith("ID: 1\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {run: x}", "riseml.yml:1:1: missing field: project"),
        ("project: p", "riseml.yml:1:1: missing section: train"),
        ("project: p\ntrain: 5", "riseml.yml:2:1: section must be a dict: train"),
        ("project: [p]\ntrain: {run: x}", "riseml.yml:1:1: value must be str: project"),
        ("project: p\ntrain:\n  resources: {}", "riseml.yml:2:1: missing field: run"),
        ("project: p\ntrain:\n  rn: x\n  run: x", "riseml.yml:3:3: there is no 'rn' here (did you mean run?); there are: run,"),
        ("project: p\ntrain:\n  run: x\n  resources: {cpu: 1}", "riseml.yml:4:15: there is no 'cpu' here"),
        ("project: p\ntrain:\n  run: x\n  resources: {mem: lots}", "value must be a number: mem, not lots"),
        ("project: p\ntrain:\n  run: x\n  concurrency: 0", "concurrency, not 0"),
        ("project: p\ntrain:\n  run: x\n  concurrency: 9999999999999999999999", "riseml.yml:4:3: value must be a whole"),
        ("project: p\ntrain:\n  run: x\n  resources: {mem: 1e308}", "riseml.yml:4:15: value must be at most 1e+15"),
        ("project: p\ntrain:\n  run: x\n  image: --privileged", "riseml.yml:4:3: '--privileged' is no name"),
        ("project: p\ntrain:\n  run: x\n  image: {name: -v}", "riseml.yml:4:11: '-v' is no name of an image"),
        ('project: p\ntrain:\n  run: "a\\x00b"', "riseml.yml:3:3: run holds a character that no record can keep"),
        ("project: p\ntrain:\n  run: []", "run is empty"),
        ("project: p\ntrain:\n  run: ' '", "the command is empty"),
        ("project: p\ntrain:\n  run: x\n  parameters: {x: 5}", "riseml.yml:4:16: parameter 'x'"),
        ("project: p\ntrain:\n  run: x\n  parameters: {x: {range: {min: 0, max: 1}}}", "endless values"),
        ("project: p\ntrain:\n  run: x\n  parameters: {x: []}", "riseml.yml:4:16"),
        ("project: p\ntrain:\n  run: x\n  parameters: {'a b': [1]}", "is no name for a parameter"),
        ("project: p\ntrain:\n  run: x {{y}}\n  parameters: {y: ['a b']}", "the value 'a b' of y can't stand"),
        ("project: p\ntrain:\n  run: x\n  tensorflow: {distributed: {ps: 1}}", "several machines"),
        ("project: p\ntrain:\n  run: x\n  tensorflow: {tensorboard: maybe}", "value must be bool: tensorboard"),
        ("project: p\ndeploy: {run: x}\ntrain: {run: x}", "does not serve them"),
        ("project: p\ntrain:\n  run: x\n  image: {install: [x]}", "missing field: name"),
        ("project: p\nproject: q", "the key 'project' stands on lines 1 and 2"),
        ("a: [", "this is not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(run: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "riseml.yml").write_text(text)
    said = run("train")
    assert said.code == 2 and message in said.err, said.err
    assert said.err.count("\n") == 1 and not (tmp_path / ".luthier").exists()


def test_no_file_and_wrong_ids(run: Run, tmp_path: Path) -> None:
    said = run("train")
    assert said.code == 2 and "there is no riseml.yml in" in said.err and "luthier riseml init" in said.err
    project(tmp_path, "true")
    assert run("train").code == 0
    assert run("status", "x.y").code == 2
    assert run("status", "9").code == 4
    assert run("kill", "1").err == "experiment 1 is not running\n"
    assert main(["grid", "--param", "a=1", "--from-env", "-q", "--", "true"]) == 0
    assert "was not begun by riseml; see: luthier show 2" in run("status", "2").err


def test_init_writes_a_file_that_works(run: Run, tmp_path: Path) -> None:
    (tmp_path / "learn.py").write_text("print('learnt')")
    assert run("init") == Said("riseml.yml successfully created\n", "", 0)
    assert run("init").code == 2
    text = (tmp_path / "riseml.yml").read_text()
    assert run("train").code == 0
    assert stdout(tmp_path, 1) == "learnt\n"
    whole = re.sub(r"^  # (?=[ a-z-]+:|  )", "  ", text.replace("# Every", "#Every"), flags=re.MULTILINE)
    (tmp_path / "riseml.yml").write_text(whole)
    job = read_job("riseml.yml")
    assert (job.space.names, job.concurrency, job.image) == (("epochs", "lr"), 2, "python:3.11")


def test_parameters_that_would_break_the_environment_stay_out_of_it(run: Run, tmp_path: Path) -> None:
    project(tmp_path, "echo {{path}} $X_Y", "parameters: {path: [1], x-y: [2], x_y: [3], 1st: [4]}")
    said = run("train")
    assert said.code == 0, said.err
    assert stdout(tmp_path, 1) == "1 3\n"
    assert "the parameter path is not passed as PATH, which is needed as it is" in said.err
    assert "x-y and x_y are both X_Y in the environment; it is x_y" in said.err
    assert "1st is not passed as 1ST" in said.err


def test_what_ignore_files_name_is_not_synced(run: Run, tmp_path: Path) -> None:
    project(tmp_path, "true")
    for name in ("big.bin", "kept.py", "other.tmp"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".risemlignore").write_text("*.bin\n")
    (tmp_path / ".gitignore").write_text("*.tmp\n")
    assert re.search(r"Syncing project \(\d+ B, 4 files\)\.\.\.done", run("train", "-d").out)


def test_outputs_can_be_looked_at_and_copied(run: Run, tmp_path: Path) -> None:
    project(tmp_path, "echo model{{x}} > $OUTPUT_DIR/model", "parameters: {x: [1, 2]}")
    assert run("train").code == 0
    assert run("ls").out == "       -  toaster/\n"
    assert [line.split()[1] for line in run("ls", "output://toaster/1").out.splitlines()] == ["1.1/", "1.2/"]
    assert "model" in run("ls", "output://toaster/1/1.2").out
    run("cp", "output://toaster/1/1.2/model", "mine")
    assert (tmp_path / "mine").read_text() == "model2\n"
    assert run("cp", "output://toaster/1/1.2/model", "mine").code == 2
    assert run("cp", "mine", "output://toaster").code == 2
    assert run("ls", "output://../..").code == 2 and run("ls", "output://nothing").code == 4


@pytest.mark.parametrize("word", ["user", "account", "system", "rm", "deploy"])
def test_what_is_not_here_is_refused_with_the_reason(run: Run, word: str) -> None:
    said = run(word)
    assert said.code == 2 and said.err.startswith(f"luthier riseml: {word} is not built: ")


def test_show_native_runs_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "riseml.yml").write_text(FILE)
    said = run("train", "--show-native")
    assert said.code == 0 and "1e-6" in said.out
    assert "revision" not in said.out, "nobody knows it before the project is copied"
    assert not (tmp_path / ".luthier").exists()


def test_every_train_begins_another_and_names_the_unfinished_twin(run: Run, tmp_path: Path) -> None:
    project(tmp_path, WAITS, "parameters: {x: [1, 2]}")
    run("train", "-d")
    said = run("train", "-d")
    assert "experiment 1 is the same and not finished; this is a new one" in said.err
    (tmp_path / "go").touch()
    assert run("logs", "1").code == run("logs", "2").code == 0


# ---------------------------------------------------------------------- containers


def test_an_image_is_built_and_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from container_image import forget_installed, image

    monkeypatch.delenv("LUTHIER_CONTAINER_ENGINE")
    name = image()
    forget_installed()
    script = "cat /made; echo $LR_DECAY {{lr-decay}} $EXPERIMENT_ID; echo kept > /output/kept; ls /output"
    parameters = "parameters: {lr-decay: [1e-6, 1e-7]}"
    project(tmp_path, script, f"image: {{name: {name!r}, install: [echo made > /made]}}", parameters)
    said = run("train")
    assert said.code == 0, said.err + said.out
    assert "--> BUILDING" in said.out and re.search(r"^1\.build +\| ", said.out, re.MULTILINE)
    lines = ["made", "1e-7 1e-7 1.2", "kept", "riseml-configuration.yml"]
    assert stdout(tmp_path, 2).splitlines() == lines
    assert (outputs(tmp_path, "1.2", "toaster") / "kept").exists()
    assert f"Image: {name}" in run("status", "1.1").out
    assert "BUILDING" not in run("train").out, "it was built again"
    forget_installed()


def test_a_failing_install_is_a_failed_set(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from container_image import image

    monkeypatch.delenv("LUTHIER_CONTAINER_ENGINE")
    project(tmp_path, "true", f"image: {image()!r}", "install: [no-such-command]", "parameters: {x: [1, 2]}")
    said = run("train")
    assert said.code == 1
    assert said.out.splitlines()[-1].endswith("--> FAILED")
    assert "no-such-command" in said.err
    assert "State: FAILED" in run("status", "1").out


def test_an_image_that_can_not_be_fetched_is_said_loudly(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from container_image import engine

    monkeypatch.delenv("LUTHIER_CONTAINER_ENGINE")
    engine()
    project(tmp_path, "echo ran", "image: oci:/no-such-folder:1")
    said = run("train")
    assert said.code == 0 and "could not be fetched" in said.err
    assert "could not be fetched" in run("status", "1").err
    assert stdout(tmp_path, 1) == "ran\n"
    assert run("train", "--strict").code == 1


def test_lines_that_were_there_have_the_time_their_own_file_was_written(run: Run, tmp_path: Path) -> None:
    project(tmp_path, "echo out; echo err >&2")
    assert run("train").code == 0
    attempt = tmp_path / ".luthier/trials/1/1/attempt-1"
    os.utime(attempt / "stdout.log", (0, 1_000_000_000))
    os.utime(attempt / "stderr.log", (0, 1_000_000_060))
    log = run("logs", "1").out
    assert "| [2001-09-09T01:46:40Z] out\n" in log and "| [2001-09-09T01:47:40Z] err\n" in log


def test_what_waits_is_planned_once_by_whoever_looks_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def planned(_record: Any, numbers: list[int]) -> list[Any]:
        asked.append(numbers)
        return [SimpleNamespace(texts=lambda n=n: {"rate": str(n)}) for n in numbers]

    monkeypatch.setattr(riseml_states, "_planned", planned)
    place, store = SimpleNamespace(folder=Path()), SimpleNamespace(trials=lambda _id: [])
    record, kept = SimpleNamespace(id=1, wish=Wish.RUN, target=2), cast("Any", {})
    for target in (2, 2, 3):
        record.target = target
        parts = riseml_states.subs(cast("Any", place), cast("Any", store), cast("Any", record), kept)
        assert [(part.number, part.texts["rate"]) for part in parts] == [
            (n, str(n)) for n in range(1, target + 1)
        ]
    assert asked == [[1, 2], [1, 2, 3]]

"""What trials ran with is on record: shown, drawn, compared, run again, and taken where a trial is identical."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from luthier.bundles import digest_of, known_bundles
from luthier.run.platform import cores
from luthier.store import open_store
from luthier.testing.store import fingerprint

TRAIN = """
import os, sys
rate = float(sys.argv[1])
with open(os.environ["RUNS"], "a") as runs:
    runs.write(f"{rate}\\n")
open(os.path.join(os.environ["LUTHIER_OUTPUT_DIR"], "model"), "w").write("m")
for step in range(3):
    print(f"loss={(rate - 0.3) ** 2 + step} step={step}")
print("seed:", os.environ["LUTHIER_SEED"])
"""
WORDS = ("-q", "--metric", "loss", "--minimize", "--no-check", "-r", "2")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run):
    """A folder with a program; `RUNS` names a file outside it in which every run leaves a line."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / ".env").write_text("PASSWORD=1\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    return folder


def search(run, *more: str, rates: str = ".1,.3") -> None:
    said = run("grid", *WORDS, *more, "--param", f"rate={rates}", "--", sys.executable, "train.py", ":rate:")
    assert said.code == 0, said.err


def runs(project: Path) -> list[str]:
    path = project.parent / "runs"
    return path.read_text().split() if path.exists() else []


def document(run, *words: str) -> dict:
    said = run(*words, "--json")
    assert said.code in (0, 1), said.err
    return json.loads(said.out)


def test_a_trial_knows_what_it_ran_with(project: Path, run) -> None:
    search(run)
    known = document(run, "provenance", "1.2")
    ran = known["ran_with"]
    assert (
        ran["code"]["digest"]
        == digest_of(project, "code").digest
        == known_bundles(Path(".luthier"))[0].bundle.digest
    )
    assert ran["code"]["root"] == str(project) and ran["no_code"] == ""
    assert ran["python"]["executable"] == sys.executable
    assert ran["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert ran["python"]["packages"]["click"]
    assert ran["machine"]["host"] == os.uname().nodename and ran["machine"]["cpus"] == cores()
    assert "OMP_NUM_THREADS" in ran["variables"] and "RUNS" not in ran["variables"]
    assert (known["parameters"], known["attempt"], known["state"]) == ({"rate": ".3"}, 1, "succeeded")
    assert known["command"].endswith("train.py .3") and known["outputs"] == [
        {"path": "model", "size_bytes": 1}
    ]
    said = run("provenance", "1.2", "--packages").out
    for words in (
        ran["code"]["digest"][:12],
        "rate=.3",
        "loss 2",
        "left out, because keys or passwords",
        "\n  click ",
    ):
        assert words in said
    assert ran["code"]["digest"][:12] in run("show", "1.2").out
    assert "PASSWORD" not in Path(".luthier/store.db").read_bytes().decode("latin-1")


def test_the_code_is_kept_where_it_is_small_or_asked_for_and_else_it_is_said(project: Path, run) -> None:
    (project / "big.csv").write_text("1" * 1_100_000)
    search(run)
    known = document(run, "provenance", "1.1")["ran_with"]
    assert [one[:2] for one in known["code"]["large"]] == [["big.csv", 1_100_000]]
    search(run, "--new", "--no-snapshot")
    assert (
        "--no-snapshot" in run("show", "2.1").out
        and document(run, "provenance", "2.1")["ran_with"]["code"] is None
    )
    (project / "many").mkdir()
    for k in range(1001):
        (project / f"many/{k}").touch()
    search(run, "--new")
    assert "more than 1,000 files; --snapshot keeps it" in run("show", "3.1").out
    search(run, "--new", "--snapshot")
    assert document(run, "provenance", "4.1")["ran_with"]["code"]["files"] == 1003
    os.mkfifo(project / "pipe")
    said = run(
        "grid",
        *WORDS,
        "--new",
        "--snapshot",
        "--param",
        "rate=1,2",
        "--",
        sys.executable,
        "train.py",
        ":rate:",
    )
    assert said.code == 2 and "pipe is a pipe" in said.err and "Traceback" not in said.err


def test_reproduce_gives_the_same_metrics_and_leaves_the_record_alone(project: Path, run) -> None:
    search(run)
    store = open_store(Path(".luthier"), read_only=True)
    before, files = fingerprint(store), sorted(Path(".luthier/trials").rglob("*"))
    (project / "train.py").write_text("print('loss: 7')\n")  # the code that ran is what counts
    for trial in ("1.1", "1.2"):
        said = run("reproduce", trial, "--check", "-q")
        assert said.code == 0, said.out + said.err
        assert f"trial {trial} is reproduced" in said.out
    found = document(run, "reproduce", "1.2", "-q", "--keep", "again")
    assert found["is_same"] and [m["metric"] for m in found["metrics"]] == ["loss", "seed"]
    assert (project / "again/code/train.py").read_text() == TRAIN
    assert (project / "again/run/outputs/model").read_text() == "m"
    assert fingerprint(store) == before and sorted(Path(".luthier/trials").rglob("*")) == files
    assert run("reproduce", "1.2", "--keep", "again").code == 2
    store.close()


def test_reproduce_says_which_metric_differs(project: Path, run) -> None:
    (project / "train.py").write_text("import os; print('loss: 1'); print('noise:', os.getpid())\n")
    search(run)
    said = run("reproduce", "1.1", "--check", "-q")
    assert said.code == 1 and said.out.endswith("trial 1.1 is not reproduced; different: noise\n")
    assert run("reproduce", "1.1", "-q").code == 0
    assert run("reproduce", "1.1", "--check", "-q", "--metric", "loss").code == 0
    assert run("reproduce", "1.1", "--check", "-q", "--tolerance", "1").code == 0
    assert "reported no metric 'nope'" in run("reproduce", "1.1", "--metric", "nope", "-q").err
    (project / "train.py").unlink()
    assert run("reproduce", "1.1", "--check", "-q", "--metric", "loss").code == 0


def test_what_a_bundle_leaves_out_is_found_where_it_is(project: Path, run) -> None:
    (project / ".gitignore").write_text("data/\nlib/table.csv\n")
    for name, text in {"data/x": "0.5", "lib/table.csv": "0.25", "lib/here.py": "MORE = 1.0\n"}.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    program = "from lib.here import MORE\nprint('loss:', float(open('data/x').read()) + float(open('lib/table.csv').read()) + MORE)\n"
    (project / "train.py").write_text(program)
    said = run(
        "grid", *WORDS, "--param", "rate=1,2", "--from-env", "--", sys.executable, str(project / "train.py")
    )
    assert said.code == 0, said.err
    (project / "lib/here.py").write_text("MORE = 2.0\n")
    assert run("reproduce", "1.1", "--check", "-q").code == 0
    (project / "data/x").write_text("0.75")
    assert run("reproduce", "1.1", "--check", "-q").code == 1


def test_what_can_not_be_reproduced_is_said(project: Path, run) -> None:
    search(run)
    assert "1.9" not in run("reproduce", "1.9").out and run("reproduce", "1.9").code == 4
    assert "name one of its trials: 1.1" in run("reproduce", "1").err
    search(run, "--new", "--no-snapshot", "--seed", "3")
    (project / "train.py").write_text(TRAIN + "print('more: 1')\n")
    said = run("reproduce", "2.1", "--check", "-q")
    assert said.code == 1 and "its code was not kept" in said.err and "different: more" in said.out


def test_diff_shows_the_code_line_by_line_and_all_the_rest(project: Path, run) -> None:
    search(run)
    (project / "train.py").write_text(TRAIN.replace("0.3", "0.4"))
    (project / "new.py").write_text("pass\n")
    search(run, "--new")
    said = run("diff", "1.1", "2.2").out
    for line in ("  rate             .1 -> .3", "-    print(f\"loss={(rate - 0.3) ** 2 + step} step={step}\")",
                 "+    print(f\"loss={(rate - 0.4) ** 2 + step} step={step}\")", "  added            new.py", "+++ b/new.py"):  # fmt: skip
        assert line in said.splitlines()
    assert "Packages" not in said and "Machine" not in said
    assert "+pass" not in run("diff", "1.1", "2.2", "--brief").out
    found = document(run, "diff", "1.2", "2.2")
    parts = {(one["part"], one["name"]) for one in found["differences"]}
    assert {("code", "bundle"), ("result", "value"), ("metrics", "loss")} <= parts and (
        "parameters",
        "rate",
    ) not in parts
    assert [(file["path"], file["how"]) for file in found["files"]] == [
        ("new.py", "added"),
        ("train.py", "changed"),
    ]
    assert "are the same" in run("diff", "1.1", "1.1").out
    assert run("diff", "1.1", "2").code == 2


def test_an_identical_trial_is_not_run_again(project: Path, run) -> None:
    search(run, "--reuse")
    assert len(runs(project)) == 2
    search(run, "--new", "--reuse", rates=".1,.3,.5")
    assert sorted(runs(project)) == ["0.1", "0.3", "0.5"]
    assert "taken from trial 1.1, which was identical" in run("show", "2.1").out
    assert document(run, "provenance", "2.2")["reused"] == "1.2"
    store = open_store(Path(".luthier"), read_only=True)
    reused = [event for event in store.events(experiment=2) if event.kind == "reused"]
    kept = [[point[:3] for point in store.points(experiment, 2)] for experiment in (1, 2)]
    assert kept[0] == kept[1] and len(kept[0]) == 4
    assert [(e.trial, e.detail["source"]["trial"]) for e in reused] == [(1, 1), (2, 2)]
    assert store.trial(2, 2).result.value == store.trial(1, 2).result.value  # type: ignore[union-attr]
    store.close()
    assert run("reproduce", "2.1", "--check", "-q").code == 0
    count = len(runs(project))
    search(run, "--new", "--reuse", "--seed", "9")  # another seed
    search(run, "--new")  # not asked for
    (project / "train.py").write_text(TRAIN + "\n# another\n")
    search(run, "--new", "--reuse")  # other code
    assert len(runs(project)) == count + 6
    assert (
        "leave one of them out"
        in run("grid", "--reuse", "--no-snapshot", "--param", "a=1", "--", "true", ":a:").err
    )


def test_the_picture_is_whole_in_every_form(project: Path, run) -> None:
    search(run)
    for name in ("p.svg", "p.pdf", "p.png"):
        said = run("provenance", "1.2", "--svg", name)
        assert said.code == 0 and said.out == "" and name in said.err
    words = "".join(ET.fromstring((project / "p.svg").read_text()).itertext())
    for part in ("Code", "Parameters", "rate = .3", "Environment", "Trial 1.2", "loss 2"):
        assert part in words
    pdf = (project / "p.pdf").read_bytes()
    table = pdf[int(re.search(rb"startxref\n(\d+)", pdf)[1]) :].splitlines()  # type: ignore[index]
    for number, line in enumerate(table[3:9], 1):
        assert pdf[int(line.split()[0]) :].startswith(b"%d 0 obj\n" % number)
    length = int(re.search(rb"/Length (\d+)", pdf)[1])  # type: ignore[index]
    assert pdf[pdf.index(b"stream\n") + 7 + length :].startswith(b"\nendstream") and b"(rate = .3) Tj" in pdf
    assert (project / "p.png").read_bytes().startswith(b"\x89PNG")
    assert run("provenance", "1.2", "--svg", "p.txt").code == 2


def test_bundles_are_made_listed_shown_taken_out_and_swept(project: Path, run) -> None:
    made = run("bundle", "create", ".")
    digest = made.out.strip()
    assert made.code == 0 and digest == digest_of(project, "code").digest and "keys or passwords" in made.err
    assert run("bundle", "create", ".", "--dry-run").out == made.out
    assert "train.py" in run("bundle", "show", digest[:8]).out and digest[:12] in run("bundle", "list").out
    assert run("bundle", "extract", digest[:8], "copy").code == 0
    assert (project / "copy/train.py").read_text() == TRAIN
    assert run("bundle", "extract", digest[:8], "copy").code == 2
    assert run("bundle", "show", "ffff").code == 4
    search(run)
    old = Path(".luthier/bundles/manifests")
    for path in old.iterdir():
        os.utime(path, (1, 1))
    named = document(run, "provenance", "1.1")["ran_with"]["code"]["digest"]
    assert named != digest  # the copy is there too
    swept = document(run, "gc", "--bundles")
    assert (swept["bundles"], [path.name for path in old.iterdir()]) == (1, [named])
    assert run("reproduce", "1.1", "--check", "-q").code == 0
    assert run("gc", "--bundles", "1").code == 2 and run("gc", "--keep-outputs", "none").code == 2


def test_a_trial_of_the_digits_template_is_reproduced_exactly(tmp_path: Path, run) -> None:
    assert run("template", "get", "digits").code == 0
    os.chdir("digits")
    words = ("--metric", "accuracy", "--param", "kernel=rbf", "--param", "C=.5", "--as-args")
    said = run("grid", "-q", *words, "--", sys.executable, "train.py")
    assert said.code == 0, said.err
    shutil.rmtree("data")  # it is in the bundle
    said = run("reproduce", "1.1", "--check", "-q")
    assert said.code == 0 and "accuracy" in said.out, said.out + said.err


def test_a_trial_that_was_stopped_is_compared_as_far_as_it_had_come(project: Path, run) -> None:
    program = "import time\nfor step in range(30):\n    print(f'loss={step} step={step}', flush=True)\n    time.sleep(.05)\n"
    (project / "train.py").write_text(program)
    words = ("--stop-condition", "loss > 1:1", "--param", "rate=1,2", "--from-env")
    assert run("grid", *WORDS, *words, "--", sys.executable, "train.py").code == 1  # none succeeded
    assert "stopped" in run("show", "1.1").out
    said = run("reproduce", "1.1", "--check", "-q")
    assert said.code == 0 and "only what it had reported by then is compared" in said.err

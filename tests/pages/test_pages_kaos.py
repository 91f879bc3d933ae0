"""kaos's page, from `init` to the sorted models: its commands in order with `luthier` in front, on the template it names.

The SVM is the template's own, on a part of the images. What was said has to have the page's shape line by line; hashes,
identifiers, times and scores aside. Where the page itself is at hand, the commands and shapes here are compared with it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli" / "doors"))
from kaos_world import World, at, scores

PAGE = Path(__file__).with_name("quoted") / "kaos.txt"

DEPLOYED = """\
Submitting data bundle: templates/mnist/data
Compressing data bundle: 100%|███████████████████████████|
✔ Setting data bundle: /features:HASH
Submitting hyperparams bundle: templates/mnist/hyperopt/params.json
✔ Setting hyperparameters bundle: /3fbf2/*
CURRENT HYPERPARAMETERS (12)
ind | degree | gamma | kernel
0 | 3 | 10 | linear
1 | 3 | 0.1 | linear
2 | 3 | 0.01 | linear
3 | 3 | 10 | poly
4 | 3 | 0.1 | poly
5 | 3 | 0.01 | poly
6 | 5 | 10 | linear
7 | 5 | 0.1 | linear
8 | 5 | 0.01 | linear
9 | 5 | 10 | poly
10 | 5 | 0.1 | poly
11 | 5 | 0.01 | poly
CURRENT TRAINING INPUTS
Image | Data | Hyperparams
✔ | ✔ | ✔
build-train-mnist:HASH | /features:HASH | /3fbf2/*"""
HEAD = """\
Job ID: ID
Process time: Ns
State: JOB_SUCCESS
Available metrics: accuracy_test accuracy_train accuracy_validation metrics_test metrics_train metrics_validation
Page count: 2
Page ID: 0
ind | Code | Data | Model ID | Hyperparams"""
CODE = "Author: jfriedman | Author: jfriedman | MODEL | Author: jfriedman"
PATHS = " | Path: /mnist:HASH | Path: /features:HASH |  | Path: FILE"
MODELS = [HEAD, *(line for i in range(10) for line in (f"{i} | {CODE}", PATHS))]
SORTED = [f"{HEAD} | Score", *(line for i in range(10) for line in (f"{i} | {CODE} | SCORE", f"{PATHS} | "))]

SESSION = [
    ("kaos init -e <running_endpoint>", ""),
    ("kaos workspace create -n mnist", "Successfully set mnist workspace"),
    ("kaos template get --name mnist", "Successfully loaded mnist template"),
    (
        "kaos train deploy -s templates/mnist/model-train",
        "Submitting source bundle: templates/mnist/model-train\n"
        "Compressing source bundle: 100%|███████████████████████████|\n"
        "✔ Setting source bundle: /mnist:HASH\nCURRENT TRAINING INPUTS\n"
        "Image | Data | Hyperparams\n⨂ | ✗ | ✗\n<building> |  | ",
    ),
    ("kaos train deploy -d templates/mnist/data -h templates/mnist/hyperopt/params.json -p 2", DEPLOYED),
    ("kaos train info -i 0", "\n".join(MODELS)),
    ("kaos train info -i 0 -s accuracy_validation", "\n".join(SORTED)),
]
UNSEEN = [
    (r"[0-9a-f]{5}_[0-9a-f]{5}_3fbf2:[0-9a-f]{6}", "MODEL"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"(?<=[a-z]):[0-9a-f]{5}\b", ":HASH"),
    (r"/3fbf2/degree=[35]_kernel=(?:linear|poly)_gamma=[0-9.]+\.json", "FILE"),
    (r"\b0\.\d{2,}$", "SCORE"),
    (r"(?<=time: )\d+(?=s)", "N"),
]


def shape(text: str) -> str:
    """A text without rules, margins and what differs from one run to the next."""
    lines = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("|"):
            line = " | ".join(cell.strip() for cell in line.strip("|").split("|"))
        elif not line or line.startswith("+"):
            continue
        if line.startswith("Available metrics: "):
            line = "Available metrics: " + " ".join(sorted(re.findall(r"\w+(?=')", line)))
        for pattern, word in UNSEEN:
            line = re.sub(pattern, word, line)
        lines.append(line)
    return "\n".join(lines)


def smaller(features: Path) -> None:
    """Leaves a part of the images, the same number of each digit."""
    for file in features.glob("*/mnist.npz"):
        with np.load(file) as archive:
            images, labels = archive["images"], archive["labels"]
        kept = np.concatenate([np.flatnonzero(labels == digit)[:40] for digit in range(10)])
        np.savez_compressed(file, images=images[kept], labels=labels[kept])


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at(tmp_path, monkeypatch)
    said = {}
    for command, expected in SESSION:
        if command == "kaos train info -i 0":
            record = world.job()
            assert record.succeeded == 12
        answer = world.luthier(command.replace("<running_endpoint>", ".luthier"))
        said[command] = answer.out
        if "init" not in command:
            assert shape(answer.out) == expected
        if "template" in command:
            smaller(tmp_path / "templates" / "mnist" / "data" / "features")
    _to_the_letter(said)
    _by_score(world, said["kaos train info -i 0 -s accuracy_validation"])


def _to_the_letter(said: dict[str, str]) -> None:
    """Tables are the page's own, blanks and rules too, where nothing in them differs from one run to the next."""
    page = PAGE.read_text(encoding="utf-8")
    deployed = re.sub(r":[0-9a-f]{5}", ":HASH", said[SESSION[4][0]])
    assert deployed in re.sub(r":[0-9a-f]{5}", ":HASH", page)
    models = said["kaos train info -i 0"]
    rules = {line for line in models.splitlines() if line.startswith("+")}
    assert len(rules) == 1 and rules < set(page.splitlines())
    path = next(line for line in models.splitlines() if "kernel=linear_gamma=0.01" in line)
    assert re.sub(r":[0-9a-f]{5}", ":HASH", path) in re.sub(r":[0-9a-f]{5}", ":HASH", page)


def _by_score(world: World, first: str) -> None:
    """The best come first; with these images gamma does not matter, as the page says, and its ties stay in order."""
    shown = first + world.kaos("train info -i 0 -s accuracy_validation -p 1").out
    found = [float(score) for score in scores(shown)]
    assert len(found) == 12 and found == sorted(found, reverse=True) and found[0] > 0.7
    names = re.findall(r"degree=(\d)_kernel=(\w+)_gamma=([0-9.]+)\.json", shown)
    by_machine: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for (degree, kernel, gamma), score in zip(names, found, strict=True):
        by_machine.setdefault((degree, kernel), []).append((gamma, score))
    for tied in by_machine.values():
        if len({score for _, score in tied}) == 1:
            assert [gamma for gamma, _ in tied] == ["10", "0.1", "0.01"]
    assert len({score for _, score in by_machine["3", "poly"]}) == 1


def on_page() -> list[tuple[str, str]]:
    """The commands of the page and what they print, in order."""
    found = []
    for block in re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        joined = re.sub(r"\\\n\s*", "", block).removeprefix("$ ")
        command, _, output = joined.partition("\n")
        found.append((command, shape(output)))
    return found


def test_the_session_is_that_of_the_page() -> None:
    assert on_page() == SESSION

"""The house itself: what the wheel holds, the lock, the measure of the rooms, and that the templates work."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sizes
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from luthier import templates
from luthier.errors import UsageError
from luthier.job.parameters import load_parameters

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "luthier"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")


def program(*words: str | Path, **environment: str) -> str:
    """What a program printed; it has to end well."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ours() -> list[Path]:
    """Every file of the repository: tracked, or new and not ignored."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


# --- the wheel ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network by what the lock pins."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package_exactly_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = sorted(name for name in archive.namelist() if name.startswith("luthier/"))
    there = sorted(
        str(path.relative_to(PACKAGE.parent))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    assert held == there
    assert "luthier/py.typed" in held
    assert any(name.endswith(".sql") for name in held)
    assert "luthier/templates/mnist/data/features/training/mnist.npz" in held


def test_the_wheel_holds_the_licence_and_nothing_beside_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"luthier", f"luthier-{version()}.dist-info"}
    assert sum(name.endswith("licenses/LICENSE") for name in names) == 1


def version() -> str:
    """The version the project declares."""
    return str(PYPROJECT["project"]["version"])


def test_templates_are_copied_out_of_a_wheel_that_was_never_unpacked(wheel: Path, tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import luthier.templates as t; print(t.__file__); "
    code += "t.copy('mnist', sys.argv[2])"
    printed = program("-I", "-c", code, wheel, tmp_path / "mnist")
    assert printed.startswith(str(wheel))
    assert tree(tmp_path / "mnist") == tree(PACKAGE / "templates" / "mnist")


# --- the lock ----------------------------------------------------------------------------------------------------


def pinned() -> dict[str, list[tuple[str, str]]]:
    """Name -> its pinned versions, each with the text that follows up to the next one."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, number, rest in re.findall(
        r"^([a-z0-9._-]+)==(\S+)((?:.*\\\n)(?:    .*\n?)+)", LOCK, re.MULTILINE
    ):
        found.setdefault(canonicalize_name(name), []).append((number, rest))
    return found


def test_the_lock_names_no_host_and_no_path() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links|--trusted-host)", LOCK, re.MULTILINE)
    assert not re.search(r"(?<![\w.`])/\w", LOCK), "an absolute path"


def test_every_pin_of_the_lock_has_hashes() -> None:
    starts = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    pins = [pin for pins in pinned().values() for pin in pins]
    assert len(pins) == len(starts) > 30
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest) for _, rest in pins)


def test_the_lock_covers_what_the_project_declares() -> None:
    project = PYPROJECT["project"]
    declared = [
        *project["dependencies"],
        *PYPROJECT["dependency-groups"]["dev"],
        *PYPROJECT["dependency-groups"]["integrations"],
        *PYPROJECT["build-system"]["requires"],
    ]
    # Two want torch, which no lock holds; of the third another build is tested with (see pyproject.toml).
    outside = ("lightning", "transformers", "xgboost")
    extras = project["optional-dependencies"].items()
    declared += [each for name, extra in extras if name not in outside for each in extra]
    for text in declared:
        wanted = Requirement(text)
        pins = pinned().get(canonicalize_name(wanted.name), [])
        assert pins, f"{text} is not in requirements/dev.txt; run make lock"
        assert all(number in wanted.specifier for number, _ in pins), (
            f"{text} is pinned outside its range; run make lock"
        )


# --- the rooms ---------------------------------------------------------------------------------------------------


def test_no_module_stands_in_an_import_cycle() -> None:
    assert sizes.cycles(sizes.imports_of("luthier")) == []


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdefx")), max_size=6))
def test_cycles_are_the_modules_that_reach_one_another(imports: dict[str, set[str]]) -> None:
    reached = {(a, b) for a in imports for b in imports[a] if b in imports}
    for middle, a, b in product(imports, repeat=3):
        if (a, middle) in reached and (middle, b) in reached:
            reached.add((a, b))
    expected = {tuple(b for b in sorted(imports) if {(a, b), (b, a)} <= reached) for a in imports} - {()}
    assert {tuple(knot) for knot in sizes.cycles(imports)} == expected


def test_the_largest_function_of_a_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(
        "def small():\n    pass\n\n\nclass A:\n    async def large(self):\n        pass\n\n        return 1\n"
    )
    assert sizes.measured(file) == sizes.File(file, 9, "large", 4)


def test_every_pure_room_is_under_the_law_of_purity() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    [law] = [contract for contract in contracts if "time" in contract.get("forbidden_modules", ())]
    for room in ("history", "search", "space", "stopping"):
        if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file():
            assert f"luthier.{room}" in law["source_modules"], (
                f"add luthier.{room} to the contract in pyproject.toml"
            )


def test_no_file_tells_where_this_checkout_stands() -> None:
    if len(ROOT.parts) < 3:
        pytest.skip("the checkout's path is too short to mean anything")
    here = str(ROOT).encode()
    told = [path for path in ours() if re.search(re.escape(here) + rb"(?![\w-])", path.read_bytes())]
    assert told == []


# --- the templates -----------------------------------------------------------------------------------------------


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a template with its content; leftovers of running it aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_folder_is_a_template_and_every_template_a_folder() -> None:
    folders = sorted(
        p.name for p in (PACKAGE / "templates").iterdir() if p.is_dir() and p.name != "__pycache__"
    )
    assert templates.names() == folders
    for name in folders:
        assert templates.describe(name).endswith(".")
        assert (PACKAGE / "templates" / name / "README.md").is_file()


@pytest.mark.parametrize("name", templates.names())
def test_a_template_is_copied_whole(name: str, tmp_path: Path) -> None:
    folder = templates.copy(name, tmp_path / "deep" / "er")
    assert folder == tmp_path / "deep" / "er"
    assert tree(folder) == tree(PACKAGE / "templates" / name)
    for path in folder.rglob("*"):
        if path.is_file():
            assert os.access(path, os.X_OK) == path.read_bytes().startswith(b"#!"), path


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("mine")
    with pytest.raises(UsageError, match=r"is not empty.*--force"):
        templates.copy("digits", tmp_path)
    assert tree(tmp_path) == {"train.py": b"mine"}


def test_force_writes_over_the_templates_files_and_keeps_all_others(tmp_path: Path) -> None:
    templates.copy("digits", tmp_path)
    (tmp_path / "train.py").write_text("mine")
    (tmp_path / ".luthier").mkdir()
    (tmp_path / ".luthier" / "store.db").write_text("experiments")
    templates.copy("digits", tmp_path, force=True)
    assert (tmp_path / ".luthier" / "store.db").read_text() == "experiments"
    assert (tmp_path / "train.py").read_bytes() == (
        PACKAGE / "templates" / "digits" / "train.py"
    ).read_bytes()


def test_an_unknown_template_and_a_file_in_the_way_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no template 'digit'; choose one of: digits, mnist"):
        templates.copy("digit", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        templates.copy("digits", tmp_path / "file", force=True)
    with pytest.raises(UsageError, match="can't be written"):
        templates.copy("digits", tmp_path / "file" / "below")


def accuracies(printed: str) -> list[tuple[int, float, float]]:
    """(step, accuracy of the fold, mean so far) of every line that digits/train.py prints."""
    found = re.findall(r"^fold_accuracy=(\S+) accuracy=(\S+) step=(\d+)$", printed, re.MULTILINE)
    return [(int(step), float(fold), float(mean)) for fold, mean, step in found]


def test_digits_really_trains(tmp_path: Path) -> None:
    train = templates.copy("digits", tmp_path / "digits") / "train.py"
    good = accuracies(program("-I", train, "--C", "10", "--gamma", "0.001"))
    poor = accuracies(program("-I", train, "--C=10", "--gamma=0.1"))
    assert [step for step, _, _ in good] == [1, 2, 3, 4, 5]
    assert good[-1][2] == pytest.approx(sum(fold for _, fold, _ in good) / 5, abs=1e-5)
    assert 0.985 < good[-1][2] < 0.995
    assert poor[-1][2] < 0.5


def test_the_seed_of_a_trial_does_not_change_the_folds(tmp_path: Path) -> None:
    train = PACKAGE / "templates" / "digits" / "train.py"
    one, two = (program("-I", train, "--gamma", "0.001", LUTHIER_SEED=seed) for seed in ("1", "2"))
    assert one == two


@pytest.mark.parametrize("file", ["grid.json", "space.yaml"])
def test_the_spaces_of_digits_are_options_of_its_program(file: str) -> None:
    folder = PACKAGE / "templates" / "digits"
    options = program("-I", folder / "train.py", "--help")
    space = load_parameters(folder / file)
    assert all(f"--{parameter.name} " in options for parameter in space.parameters)


def test_the_grid_of_mnist_is_the_one_on_kaoss_page() -> None:
    file = PACKAGE / "templates" / "mnist" / "hyperopt" / "params.json"
    digest = hashlib.sha512(file.read_bytes()).hexdigest()
    assert digest[0:105:26] == "3fbf2"
    assert load_parameters(file).count() == 12
    load_parameters(file.with_name("space.yaml"))


def mnist(tmp_path: Path, *words: str, **environment: str) -> dict[str, Any]:
    """The metrics that the program of a fresh copy of mnist writes to `tmp_path/out`."""
    folder = templates.copy("mnist", tmp_path / "templates" / "mnist")
    program(folder / "model-train" / "mnist" / "model" / "train", *words, **environment)
    assert (tmp_path / "out" / "model" / "model.pkl").stat().st_size > 100_000
    found = json.loads((tmp_path / "out" / "metrics" / "metrics.json").read_text())
    assert isinstance(found, dict)
    return found


def test_mnist_writes_the_six_metrics_of_kaoss_page(tmp_path: Path) -> None:
    parameters = tmp_path / "configuration.json"
    parameters.write_text('{"kernel": "poly", "degree": 3, "gamma": 0.01}')
    lines = tmp_path / "metrics.jsonl"
    metrics = mnist(
        tmp_path,
        LUTHIER_PARAMS_FILE=str(parameters),
        LUTHIER_OUTPUT_DIR=str(tmp_path / "out"),
        LUTHIER_METRICS=str(lines),
    )
    numbers = {name: value for name, value in metrics.items() if isinstance(value, float)}
    texts = {name: value for name, value in metrics.items() if isinstance(value, str)}
    parts = ("train", "validation", "test")
    assert sorted(numbers) == sorted(f"accuracy_{part}" for part in parts)
    assert sorted(texts) == sorted(f"metrics_{part}" for part in parts)
    assert numbers["accuracy_train"] == 1.0
    assert 0.92 < numbers["accuracy_validation"] < 0.95
    assert json.loads(lines.read_text()) == numbers


def test_mnist_takes_its_output_folder_as_kaos_gives_it_and_the_parameters_it_is_given(
    tmp_path: Path,
) -> None:
    metrics = mnist(tmp_path, str(tmp_path / "out"), LUTHIER_PARAMS='{"kernel": "linear"}')
    assert 0.89 < metrics["accuracy_validation"] < 0.92

"""Workers as services: each checker of those systems accepts the files, and each way of telling a worker to leave drains it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from kubernetes_validate.utils import all_versions
from ruamel.yaml import YAML

from luthier.store import open_store

WORKERS = Path(__file__).parents[2] / "examples" / "workers"
UNIT = WORKERS / "luthier-worker.service"
SCRIPT = WORKERS / "luthier-worker.sbatch"
INSTALLED = "/opt/luthier/bin/luthier"


def unit_lines(key: str) -> list[str]:
    """What the unit says of a key, in order."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def manifests(name: str) -> list[dict[str, Any]]:
    """The objects of a file for Kubernetes."""
    return list(YAML(typ="safe").load_all((WORKERS / name).read_text(encoding="utf-8")))


def deployment() -> dict[str, Any]:
    """The workers' Deployment."""
    (found,) = (each for each in manifests("kubernetes.yaml") if each["kind"] == "Deployment")
    return found


def pod() -> dict[str, Any]:
    """The one container of the Deployment's pods, with what is said of the pod besides."""
    spec = deployment()["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    return {**spec, **container}


# --- their own checkers ------------------------------------------------------------------------------------------


def verified(unit: Path) -> str:
    """What systemd has to say about a unit. It only warns of a key it doesn't know, so the exit code alone says little."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 or done.stderr
    return done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace(INSTALLED, sys.executable), encoding="utf-8")
    assert verified(unit) == ""
    unit.write_text(text.replace("KillMode=", "KillMoods="), encoding="utf-8")
    said = verified(unit)
    assert "KillMoods" in said and INSTALLED in said


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_slurm_script_is_clean() -> None:
    done = subprocess.run(["shellcheck", "--norc", str(SCRIPT)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_slurm_reads_its_options_before_the_first_command() -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    first = next(n for n, line in enumerate(lines) if line and not line.startswith("#"))
    options = [n for n, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert len(options) > 5 and max(options) < first


@pytest.mark.parametrize("name", ["kubernetes.yaml", "kubernetes-postgres.yaml"])
def test_kubernetes_accepts_the_manifests(name: str) -> None:
    oldest, *_, newest = all_versions()
    for manifest in manifests(name):
        for version in (oldest, newest):
            kubernetes_validate.validate(manifest, version, strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**manifest, "replica": 2}, newest, strict=True)


# --- what no checker sees ----------------------------------------------------------------------------------------


def test_the_manifests_name_one_another() -> None:
    found = {(each["kind"], each["metadata"]["name"]): each for each in manifests("kubernetes.yaml")}
    secret, claim = (
        found["Secret", "luthier-store"],
        pod()["volumes"][0]["persistentVolumeClaim"]["claimName"],
    )
    assert pod()["envFrom"] == [{"secretRef": {"name": "luthier-store"}}]
    assert ("PersistentVolumeClaim", claim) in found
    service, server = manifests("kubernetes-postgres.yaml")
    assert f"@{service['metadata']['name']}/" in secret["stringData"]["LUTHIER_STORE"]
    assert service["spec"]["selector"] == server["spec"]["template"]["metadata"]["labels"]
    (database,) = server["spec"]["template"]["spec"]["containers"]
    password = next(each for each in database["env"] if each["name"] == "POSTGRES_PASSWORD")
    assert password["valueFrom"]["secretKeyRef"] == {"name": "luthier-store", "key": "PGPASSWORD"}


def test_a_pod_is_given_longer_to_leave_than_its_hook_takes() -> None:
    *_, line = pod()["lifecycle"]["preStop"]["exec"]["command"]
    words = shlex.split(line)
    hook_seconds = int(words[words.index("timeout") + 1])
    assert pod()["terminationGracePeriodSeconds"] - hook_seconds >= 60


class Site:
    """A search with one trial to run, which says when it runs and waits to be let go, and `luthier` on the PATH."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.luthier = root / "bin" / "luthier"
        self.luthier.parent.mkdir()
        self.luthier.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m luthier "$@"\n')
        self.luthier.chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LUTHIER", "SLURM"))}
        path = f"{self.luthier.parent}:{kept['PATH']}"
        self.env = {**kept, "PATH": path, "LUTHIER_STORE": str(root / "store"), "NO_COLOR": "1"}
        train = root / "train.sh"
        train.write_text('echo "loss: $1"\n')
        words = "grid --param x=1,2 --metric loss --minimize --no-check -n 1 -- sh train.sh :x:"
        self.call(self.luthier, *words.split())
        train.write_text('echo > started; timeout 60 cat go; echo "loss: $1"\n')
        self.call(self.luthier, "enqueue", "1", "x=2")
        for name in ("started", "go"):
            os.mkfifo(root / name)

    def call(self, *words: str | Path) -> None:
        """Runs a program that has to end well."""
        done = subprocess.run(words, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def start(self, words: list[str]) -> subprocess.Popen[str]:
        """Starts a worker and returns once its trial runs."""
        process = subprocess.Popen(
            words, cwd=self.root, env=self.env, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        (self.root / "started").read_text()
        return process


Told = Callable[[int], list[list[str]]]
"""What a system runs to tell the process of this number to leave."""


def as_systemd(site: Site) -> tuple[list[str], Told]:
    """The unit's words, and what `systemctl stop` runs."""
    (start,) = unit_lines("ExecStart")
    words = start.replace(INSTALLED, str(site.luthier)).replace("$LUTHIER_WORKER_OPTIONS", "-r 1").split()
    return words, lambda pid: [line.replace("$MAINPID", str(pid)).split() for line in unit_lines("ExecStop")]


def as_kubernetes(site: Site) -> tuple[list[str], Told]:
    """The container's words, and its hook; the worker is process 1 of a real one."""
    *shell, line = pod()["lifecycle"]["preStop"]["exec"]["command"]

    def stop(pid: int) -> list[list[str]]:
        told = line.replace("-TERM 1;", f"-TERM {pid};").replace("--pid=1 ", f"--pid={pid} ")
        assert told.count(str(pid)) >= 2
        return [[*shell, told]]

    return pod()["command"], stop


def as_slurm(site: Site) -> tuple[list[str], Told]:
    """The script, and the signal that SLURM sends to its shell."""
    return ["bash", str(SCRIPT), "1", "--wait"], lambda pid: [["kill", "-TERM", str(pid)]]


@pytest.mark.parametrize("system", [as_systemd, as_kubernetes, as_slurm])
def test_a_worker_that_is_told_to_leave_lets_its_trial_end(
    system: Callable[[Site], tuple[list[str], Told]], tmp_path: Path
) -> None:
    site = Site(tmp_path)
    words, stop = system(site)
    worker = site.start(words)
    told = subprocess.Popen(["sh", "-c", " && ".join(shlex.join(each) for each in stop(worker.pid))])
    try:
        assert worker.stderr is not None
        assert any(line.startswith("Leaving: what runs goes on") for line in worker.stderr)
        (site.root / "go").write_text("go\n")
        _, rest = worker.communicate(timeout=60)
        assert "this worker ended 1 attempt" in rest
        assert worker.returncode == 0
        told.wait(60)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        raise
    finally:
        told.kill()
        told.wait()
    with closing(open_store(site.root / "store", read_only=True)) as store:
        assert store.experiment(1).succeeded == 2


def test_the_slurm_script_says_what_it_needs() -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("LUTHIER")}
    done = subprocess.run(["bash", str(SCRIPT)], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "LUTHIER_STORE" in done.stderr

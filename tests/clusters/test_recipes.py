"""The recipes in examples/cluster, run with stand-ins for the programs that they call."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.shared_run import WORDS, Whole
from tests.doubles import warm_client
from tests.doubles.warm import channel_for_scripts
from tests.paths import ROOT

RECIPES = ROOT / "examples" / "cluster"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")

# Runs what it is given where Slurm would: each task of an array, in a shell of its own.
SBATCH = """#!/bin/bash
echo "sbatch $*" >> "$RECIPE_LOG"
tasks=0 wrap=
while [ $# -gt 0 ]; do
    case $1 in
        --array=0-*) tasks=${1#--array=0-} ;;
        --wrap) wrap=$2; shift ;;
    esac
    shift
done
pids=
for task in $(seq 0 "$tasks"); do
    SLURM_ARRAY_TASK_ID=$task sh -c "$wrap" >> "$RECIPE_LOG" 2>&1 & pids="$pids $!"
done
for pid in $pids; do wait "$pid" || echo "a task failed" >> "$RECIPE_LOG"; done
echo "4711;cluster"
"""
SSH = """#!/bin/bash
echo "ssh $*" >> "$RECIPE_LOG"
while [ "${1#-}" != "$1" ]; do
    if [ "$1" = -o ]; then shift; fi
    shift
done
if [ "$1" = dead ]; then echo "no route to host"; exit 255; fi
shift
exec sh -c "$*"
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put stand-ins on the path; return the file that they write what they were called with."""
    place, log = tmp_path / "bin", tmp_path / "log"
    place.mkdir()
    client = shlex.join([sys.executable, "-SE", warm_client.__file__, "vidsr.jobs.cli"])
    job = f'#!/bin/sh\nexec {client} "$@"\n'
    for name, text in (("sbatch", SBATCH), ("ssh", SSH), ("vidsr-job", job)):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("WARM_CHANNEL", str(channel_for_scripts()))
    monkeypatch.setenv("RECIPE_LOG", str(log))
    return log


def call(name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(RECIPES / name), *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=900, pass_fds=[channel_for_scripts()]
    )


def test_slurm(whole: Whole, tmp_path: Path, programs: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("VIDSR_SBATCH", "--gpus=1 --time=12:00:00")
    target = tmp_path / "a film.mkv"
    out = call("slurm.sh", whole.source, target, "2", *WORDS)
    assert out.returncode == 0, out.stderr
    calls = [line for line in programs.read_text().splitlines() if line.startswith("sbatch")]
    assert "--requeue --array=0-1 --gpus=1 --time=12:00:00 --wrap vidsr-job work" in calls[0]
    assert "--dependency=afterany:4711 --wrap vidsr-job join" in calls[1]
    assert target.read_bytes() == whole.target
    assert "failed" not in programs.read_text()


def test_ssh_though_a_machine_is_dead(whole: Whole, tmp_path: Path, programs: Path) -> None:
    target = tmp_path / "a film.mkv"
    out = call("ssh.sh", whole.source, target, "alpha dead", *WORDS)
    assert out.returncode == 0, out.stderr
    assert "dead: no route to host" in out.stdout
    assert "alpha: vidsr-job: " in out.stdout
    assert target.read_bytes() == whole.target


@pytest.mark.parametrize("name", ["slurm.sh", "ssh.sh"])
def test_too_few_words(name: str) -> None:
    out = call(name, "film.mkv")
    assert out.returncode == 2
    assert out.stderr.startswith("usage: ")


def manifests() -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return list(yaml.safe_load_all((RECIPES / "kubernetes.yaml").read_text()))


# Every field that the manifest may have, by its place, with the type that Kubernetes' API has for
# it (batch/v1 and core/v1); a list holds what each of its entries is.
META = {"name": str, "labels": {"*": str}}
QUANTITIES = {"cpu": str, "memory": str}
CONTAINER = {
    "name": str,
    "image": str,
    "command": [str],
    "env": [{"name": str, "value": str}],
    "resources": {"requests": QUANTITIES, "limits": QUANTITIES},
    "volumeMounts": [{"name": str, "mountPath": str}],
}
POD = {
    "restartPolicy": str,
    "terminationGracePeriodSeconds": int,
    "containers": [CONTAINER],
    "volumes": [{"name": str, "persistentVolumeClaim": {"claimName": str}}],
}
JOB = {
    "completionMode": str,
    "completions": int,
    "parallelism": int,
    "backoffLimit": int,
    "backoffLimitPerIndex": int,
    "podReplacementPolicy": str,
    "template": {"metadata": {"labels": {"*": str}}, "spec": POD},
}
SCHEMA = {"apiVersion": str, "kind": str, "metadata": META, "spec": JOB}


def check(value: Any, schema: Any, place: str) -> None:
    """Hold a value against a schema. Raises AssertionError."""
    if isinstance(schema, dict):
        assert isinstance(value, dict), place
        for name, inner in value.items():
            assert name in schema or "*" in schema, f"{place}.{name}"
            check(inner, schema.get(name, schema.get("*")), f"{place}.{name}")
    elif isinstance(schema, list):
        assert isinstance(value, list), place
        for number, inner in enumerate(value):
            check(inner, schema[0], f"{place}[{number}]")
    else:
        assert type(value) is schema, place


def test_kubernetes_manifest_has_the_fields_of_the_api() -> None:
    work, join = manifests()
    for job in (work, join):
        check(job, SCHEMA, "job")
        assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
        pod = job["spec"]["template"]["spec"]
        assert pod["restartPolicy"] in ("Never", "OnFailure")  # a Job takes no other
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {m["name"] for c in pod["containers"] for m in c["volumeMounts"]} <= volumes
    # A limit for each index is for indexed Jobs alone, whose pods may be replaced once they failed.
    spec = work["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] >= spec["parallelism"]
    assert "backoffLimit" not in spec
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["podReplacementPolicy"] == "Failed"


def test_kubernetes_manifest_fits_the_models_of_its_client() -> None:
    models = pytest.importorskip("kubernetes.client", reason="kubernetes is not installed")

    def walk(value: Any, kind: str, place: str) -> None:
        if kind.lower().startswith("list["):
            for number, inner in enumerate(value):
                walk(inner, kind[5:-1], f"{place}[{number}]")
        elif kind.lower().startswith(("dict(", "dict[")):
            for name, inner in value.items():
                walk(inner, kind[5:-1].split(",")[1].strip(), f"{place}.{name}")
        elif kind in ("str", "int", "bool"):
            assert type(value).__name__ == kind, place
        else:
            model = getattr(models, kind)
            names = {theirs: ours for ours, theirs in model.attribute_map.items()}
            assert value.keys() <= names.keys(), place
            made = {names[name]: inner for name, inner in value.items()}
            model(**made)  # which holds values against what is required
            for name, inner in value.items():
                walk(inner, model.openapi_types[names[name]], f"{place}.{name}")

    for job in manifests():
        walk(job, "V1Job", "job")


def test_the_commands_of_the_manifest_are_commands() -> None:
    from vidsr.jobs.cli import build_parser

    work, join = (job["spec"]["template"]["spec"]["containers"][0] for job in manifests())
    parsed = build_parser().parse_args(work["command"][1:])
    assert (work["command"][0], parsed.verb) == ("vidsr-job", "work")
    assert str(parsed.folder) in join["command"][-1]

"""Ray on two simulated nodes: whatever dies, the target is right, or the run can go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clusters.shared_run import WORDS, Steps, Whole, folder_of, kill_a_holder, pieces
from tests.paths import ROOT
from vidsr.cli import main
from vidsr.clusters.choice import Choice
from vidsr.errors import DeviceError
from vidsr.run.spec import JobSpec

if TYPE_CHECKING:
    from tests.clusters.ray_nodes import TwoNodes

pytest.importorskip("ray", reason="ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    """Yield the cluster; the last test stops its head."""
    from tests.clusters.ray_nodes import SETTINGS, TwoNodes

    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        try:
            made = TwoNodes()
        except Exception as error:  # Ray gives its parts half a minute
            pytest.skip(f"ray cannot start here: {error}")
        yield made
        made.close()


def run(nodes: TwoNodes, spec: JobSpec, steps: Steps) -> tuple[str, ...]:
    """Run on the cluster and return what was noted."""
    report = Choice(None, nodes.address).run(spec, steps)
    assert report is not None
    assert not steps.left
    return report.notes


def test_a_killed_process_a_killed_actor_and_a_removed_node(
    nodes: TwoNodes, whole: Whole, tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    folder = folder_of(target)
    steps = Steps(
        lambda: kill_a_holder(folder),
        lambda: pieces(folder) > 1 and nodes.kill_an_actor(),
        lambda: pieces(folder) > 3 and nodes.remove_the_second(),
    )
    notes = run(nodes, whole.spec(target), steps)
    assert target.read_bytes() == whole.target
    assert [*tmp_path.iterdir()] == [target]
    assert any("made again" in note for note in notes)


def test_a_stopped_head_is_one_line_and_the_run_goes_on(
    nodes: TwoNodes, whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mkv"
    folder = folder_of(target)
    steps = Steps(lambda: pieces(folder) > 0 and nodes.stop_head())
    with pytest.raises(DeviceError, match="the head is gone"):
        run(nodes, whole.spec(target), steps)
    assert pieces(folder)
    assert main([str(whole.source), "-o", str(target), *WORDS, "-q"]) == 0
    assert target.read_bytes() == whole.target


def test_no_head_is_one_line(whole: Whole, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vidsr", str(whole.source), "-o", str(tmp_path / "out.mkv")]
    out = subprocess.run(
        [*command, *WORDS, "-q", "--cluster", "ray:127.0.0.1:1"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert out.returncode == DeviceError.exit_code, out.stderr
    assert len(out.stderr.splitlines()) == 1, out.stderr
    assert "ray at 127.0.0.1:1" in out.stderr
    assert "Hint:" in out.stderr
    assert [*tmp_path.iterdir()] == []

"""Arithmetic on made-up rounds: rates, quantiles, shares, efficiency, and what limits a machine."""

from __future__ import annotations

import json
import time
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest

from vidsr.bench import machine
from vidsr.bench.machine import Host
from vidsr.bench.outcome import summary
from vidsr.bench.outcome.bottleneck import limit_line
from vidsr.bench.outcome.results import FORMAT, Result
from vidsr.bench.outcome.stats import Quantiles, Spread, percentile, quantiles, ratios, spread
from vidsr.bench.outcome.text import FASTER, FASTEST, lines

MACHINE = Host("a processor", 2, 8.0, None, "Linux", 0.0, {"torch": "2"}, "abc")


def run(**changes: Any) -> dict[str, Any]:
    """Ten frames in a second: 0.9 s for frames, 0.1 s for what the encoder held back."""
    given = {
        "frames": 10, "frame_s": [0.18] + [0.08] * 9, "flush_s": 0.1, "cpu_s": 1.5,
        "model": "lite-x4", "device": "cpu", "precision": "bfloat16", "engine": "torch",
        "encoder": "libx264", "rate": 5.0, "size": [32, 18], "target_size": [128, 72],
        "notes": [], "scale": 4, "peak_rss_bytes": 300 << 20, "device_bytes": None, "absent": None,
        "network_s": None, "psnr_note": None, "versions": {}, "gpu": None,
    }  # fmt: skip
    return given | changes


def stage(ms: float, cpu_ms: float, **changes: Any) -> dict[str, Any]:
    """Four frames alike."""
    return {
        "ms": [ms] * 4, "wall_s": 4e-3 * ms, "cpu_s": 4e-3 * cpu_ms, "work": 0.0, "together": 1,
        "ceiling": None, "none": None,
    } | changes  # fmt: skip


def round_(device: str = "cpu", encode_ms: float = 20.0) -> dict[str, Any]:
    none = stage(1, 1, none="no bus")
    return {
        "device": device,
        "threads": 2,
        "ceilings": {"matmul bfloat16": 400e9, "copy": 20e9},
        "stages": {
            "decode": stage(1, 2),
            "upload": none,
            "to_rgb": stage(1, 1, work=2e6, ceiling="copy"),
            "engine": stage(40, 80, work=8e9, ceiling="matmul bfloat16"),
            "to_yuv": stage(4, 4, work=8e6, ceiling="copy"),
            "copy": stage(2, 1, work=4e6, ceiling="copy"),
            "encode": stage(encode_ms, 36),
        },
    }


def test_percentiles_are_samples_that_were() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert quantiles(values) == Quantiles(50, 95, 99)
    assert quantiles([3.0]) == Quantiles(3, 3, 3)
    assert quantiles([1.0, 2.0, 3.0, 4.0]) == Quantiles(2, 4, 4)
    assert percentile([5.0, 1.0], 0) == 1
    with pytest.raises(ValueError, match="at least 1"):
        percentile([], 50)


def test_spreads_and_ratios() -> None:
    assert spread([3.0, 1.0, 10.0]) == Spread(3, 1, 10)
    assert ratios([2.0, 9.0, 8.0], [1.0, 3.0, 4.0]) == Spread(2, 2, 3)
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_the_rate_of_a_command_counts_what_the_encoder_held_back() -> None:
    assert summary.fps_of(run()) == pytest.approx(10)
    assert summary.fps_of(run(flush_s=1.1)) == pytest.approx(5)
    assert summary.cpu_ms_of(run()) == pytest.approx(150)


def test_the_whole_command() -> None:
    found = summary.whole([run(), run(flush_s=1.1, peak_rss_bytes=400 << 20)])
    assert astuple(found.fps) == pytest.approx((7.5, 5, 10))
    assert found.realtime.median == pytest.approx(1.5)
    assert found.ms.p99 == pytest.approx(80), "the first interval fills the pipeline"
    assert found.peak_rss_mib == 400
    assert found.device_mib is None


def test_stages_and_their_shares() -> None:
    found = {s.name: s for s in summary.stages([round_(), round_()])}
    assert found["upload"].none == "no bus"
    engine = found["engine"]
    assert engine.fps is not None
    assert astuple(engine.fps) == pytest.approx((25, 25, 25))
    assert engine.cpu_ms is not None
    assert engine.cpu_ms.median == pytest.approx(80)
    assert (engine.work, engine.unit) == (8, "GFLOP")
    assert engine.share is not None
    assert engine.share.median == pytest.approx(0.5), "8 GFLOP in 40 ms are 200 GFLOP/s of 400"
    assert found["to_rgb"].share is not None
    assert found["to_rgb"].share.median == pytest.approx(0.1), "2 MB in 1 ms are 2 GB/s of 20"
    assert found["encode"].share is None


def test_what_the_stages_allow() -> None:
    # 2 + 1 + 80 + 4 + 1 + 36 = 124 ms of two cores: 16.1 fps, less than the network's 25 alone
    assert summary.allowed_fps(round_()) == pytest.approx(2000 / 124)
    assert summary.allowed_fps(round_("cuda")) == pytest.approx(25)
    assert summary.allowed_fps(round_(encode_ms=100)) == pytest.approx(10)


def test_efficiency() -> None:
    found = summary.efficiency([round_()], [run()])
    assert found.of_allowed.median == pytest.approx(10 / (2000 / 124))
    assert found.of_engine.median == pytest.approx(10 / 25)
    assert found.colour_copies is not None
    assert found.colour_copies.median == pytest.approx(6 / 150)
    # Of a device, whose work the CPU waits for, nothing can be said in CPU time.
    assert summary.efficiency([round_("cuda")], [run()]).colour_copies is None


def test_a_peer_is_compared_run_by_run() -> None:
    ours = [run(), run(flush_s=1.1)]
    theirs = [run(flush_s=1.1, network_s=[0.08] * 10), run(flush_s=3.1, network_s=[0.08] * 10)]
    found = summary.against("naive", "a loop", theirs, ours, [round_(), round_()])
    assert found.ratio is not None
    assert astuple(found.ratio) == pytest.approx((2, 2, 2))
    assert found.network_ratio is not None
    assert found.network_ratio.median == pytest.approx(2)
    absent = summary.against("naive", "a loop", [{"absent": "pip install it"}], ours)
    assert absent.absent == "pip install it"
    assert absent.ratio is None


def test_what_limits_a_cpu_is_where_its_time_goes() -> None:
    line = limit_line(summary.stages([round_()]), "cpu")
    assert line == (
        "what limits this machine now: the network, 65% of the frame's CPU time "
        "at 50% of the machine's bfloat16 matmul rate; then encoding, 29%"
    )


def test_what_limits_a_device_is_the_slowest_stage() -> None:
    line = limit_line(summary.stages([round_("cuda", encode_ms=100)]), "cuda:0")
    assert line == (
        "what limits this machine now: encoding, 10 frames a second alone; then the network, 25"
    )


def full_result() -> Result:
    rounds, runs = [round_()], [run()]
    stages = summary.stages(rounds)
    return Result(
        "vidsr-bench --stages",
        MACHINE,
        10,
        1,
        setup=summary.setup(runs[-1]),
        source="a drawn clip",
        ceilings=summary.ceilings(rounds),
        stages=stages,
        whole=summary.whole(runs),
        efficiency=summary.efficiency(rounds, runs),
        limit=limit_line(stages, "cpu"),
        against=(summary.against("ncnn", "a loop", [{"absent": "not installed"}], runs),),
    )


def test_json_holds_everything_and_nothing_that_json_does_not_know() -> None:
    told = json.loads(full_result().to_json())
    assert told["format"] == FORMAT
    assert told["machine"]["commit"] == "abc"
    assert told["whole"]["fps"] == {"median": 10.0, "low": 10.0, "high": 10.0}
    assert (told["whole"]["size"], told["whole"]["target_size"]) == ([32, 18], [128, 72])
    assert told["efficiency"]["of_engine"]["median"] == pytest.approx(0.4)
    assert [s["name"] for s in told["stages"]][:3] == ["decode", "upload", "to_rgb"]
    assert told["against"][0]["absent"] == "not installed"


def test_the_text_says_what_is_absent_and_what_does_not_exist() -> None:
    text = "\n".join(lines(full_result()))
    assert "ncnn         absent: not installed" in text
    assert "upload       none   no bus" in text
    assert "50% of matmul bfloat16" in text
    assert "62% of the 16.1 fps" in text
    assert "other programs" not in text


def test_the_text_names_what_ran_and_ends_with_the_answer() -> None:
    told = list(lines(full_result()))
    assert told[1] == "lite-x4, x4, on cpu (torch, bfloat16); libx264"
    assert told[-1] == "5 fps in real time: yes, 2 times its rate"


def test_what_is_too_slow_on_a_cpu_is_told_of_a_faster_model() -> None:
    slow = replace(full_result(), whole=summary.whole([run(rate=25.0)]))
    *_, verdict, faster = lines(slow)
    assert verdict == "25 fps in real time: no, 0.4 times its rate"
    assert faster == FASTER
    assert slow.setup
    for other in (replace(slow.setup, model=FASTEST), replace(slow.setup, device="cuda")):
        assert FASTER not in lines(replace(slow, setup=other))


def test_a_share_above_its_ceiling_is_said_to_be_none() -> None:
    fast = round_()
    fast["stages"]["engine"] = stage(10, 20, work=8e9, ceiling="matmul bfloat16")
    text = "\n".join(lines(replace(full_result(), stages=summary.stages([fast]))))
    assert "200% of matmul bfloat16: the ceiling was disturbed" in text


def test_a_busy_machine_is_said_to_be_one() -> None:
    busy = replace(full_result(), machine=replace(MACHINE, others=0.4))
    assert "other programs took 40% of the cores' time" in "\n".join(lines(busy))


def test_the_share_of_others_counts_what_runs_beside_this_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(["cpu  100 0 0 300 0 0 0 0 0 0\n", "cpu  130 10 0 350 10 0 0 0 0 0\n"])
    monkeypatch.setattr(Path, "read_text", lambda _: next(ticks))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert machine.others_now() == pytest.approx(0.4)  # 40 of 100 ticks, waiting is none of them

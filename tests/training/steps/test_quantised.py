"""Training in 8-bit codes: ranges first, averages of steps, and a state that goes on to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.makers.photos import photograph
from vidsr.engines.quantised.steps import Steps, steps_path, weights_sha256
from vidsr.errors import OptionError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.training.data.crop_pool import CropPool, TrainingPair, to_luma
from vidsr.training.networks.quantised import QuantisedStudent
from vidsr.training.networks.student import build_student
from vidsr.training.options import Options, preset
from vidsr.training.steps.fidelity import Fidelity
from vidsr.training.steps.quantised import Quantised, as_it_runs, write_beside

CPU = torch.device("cpu")
SMALL = {"width": 6, "blocks": 2, "scale": 2, "steps": 9, "batch": 2, "crop": 16, "middle": 8}


def options(**given: object) -> Options:
    chosen = {"init": "y", "quantise": "int8", **SMALL, **given}
    return preset("lite", data="x", **{k: v for k, v in chosen.items() if v})


def learner() -> Quantised:
    chosen = options()
    student = build_student(chosen.config(), seed=1, middle=chosen.middle)
    torch.manual_seed(2)
    with torch.no_grad():  # a fresh tail is zero, and nothing before it would learn at first
        for parameter in student.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return Quantised(QuantisedStudent(student, chosen.config()), chosen, CPU)


@pytest.fixture(scope="module")
def pool() -> CropPool:
    high = to_luma(photograph(3))
    low = torch.nn.functional.avg_pool2d(high[None].float(), 2)[0].round().to(torch.uint8)
    return CropPool([TrainingPair(low, high)], scale=2, crop=16)


def crops(pool: CropPool, step: int) -> tuple[Tensor, Tensor]:
    return pool.cut(pool.draw(2, 0, step))


def learn(subject: Quantised, pool: CropPool, first: int, last: int) -> None:
    for step in range(first, last):
        subject.learn(*crops(pool, step), step)


def test_a_restored_learner_goes_on_to_the_bit(pool: CropPool) -> None:
    whole, first, second = learner(), learner(), learner()
    whole.prepare(pool)
    learn(whole, pool, 0, 4)
    first.prepare(pool)
    learn(first, pool, 0, 2)
    second.restore(first.state())
    learn(second, pool, 2, 4)
    assert torch.equal(whole.average_steps, second.average_steps)
    assert torch.equal(whole.quantised.log_steps, second.quantised.log_steps)
    assert all(torch.equal(v, second.average[k]) for k, v in whole.average.items())


def test_steps_are_learned_and_averaged(pool: CropPool) -> None:
    subject = learner()
    subject.prepare(pool)
    before = subject.average_steps.clone()
    learn(subject, pool, 0, 1)
    now = subject.quantised.log_steps.detach()
    assert not torch.equal(now, before)
    # After one step the decay is 1/11.
    assert torch.allclose(subject.average_steps, before / 11 + now * 10 / 11, atol=1e-6)


def test_it_learns(pool: CropPool) -> None:
    subject = learner()
    subject.prepare(pool)
    subject.set_rate(1e-3)
    low, high = crops(pool, 0)
    shown = [float(subject.learn(low, high, step)["loss"]) for step in range(30)]
    assert shown[-1] < 0.9 * shown[0]


def test_what_is_written_and_what_is_judged_are_the_same_network(
    pool: CropPool, tmp_path: Path
) -> None:
    subject = learner()
    subject.prepare(pool)
    learn(subject, pool, 0, 2)
    config = subject.options.config()
    path = tmp_path / "own.safetensors"
    save_generator(path, config, subject.average)
    write_beside(subject, path, 2)
    steps = Steps.from_json(steps_path(path).read_text())
    assert steps.weights_sha256 == weights_sha256(path)
    assert steps.made_from == "2 steps of training in int8"
    assert [layer.zero for layer in steps.layers] == [128, 128, 128]
    plain = build_generator(config).eval()
    plain.load_state_dict(subject.average)
    shown, precision = as_it_runs(subject, plain)
    x = torch.rand(1, 1, 9, 8)
    assert precision == "fp32"
    with torch.no_grad():
        assert not torch.equal(shown(x), plain(x))
        assert torch.allclose(shown(x), plain(x), atol=0.05)


def test_other_learners_are_judged_as_they_are(tmp_path: Path) -> None:
    chosen = preset("lite", data="x", **SMALL)
    student = build_student(chosen.config(), seed=1, middle=8)
    subject, plain = Fidelity(student, chosen, CPU), build_generator(chosen.config())
    assert as_it_runs(subject, plain) == (plain, "auto")
    write_beside(subject, tmp_path / "own.safetensors", 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"quantise": "int4"}, "quantise = 'int4': expected"),
        ({"init": None}, "without init: expected a network that is trained"),
        ({"channels": 3}, "with lite of 3 channels: expected lite of 1 channel, or srresnet"),
        ({"precision": "bf16"}, "precision = 'bf16' with quantise = 'int8': expected"),
        ({"adversarial": "bce", "crop": 32}, "adversarial = 'bce' with quantise"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        options(**given)


def test_normalisation_and_other_networks_are_refused() -> None:
    for model, more in (("srresnet", {"norm": "batch"}), ("espcn", {})):
        with pytest.raises(OptionError, match="quantise"):
            preset(model, data="x", init="y", quantise="int8", steps=1, **more)


def test_the_rate_is_a_tenth_of_the_usual_one_unless_given() -> None:
    assert options().rate == pytest.approx(1e-4)
    assert options(rate=0.5).rate == 0.5
    assert preset("lite", data="x", steps=1).rate == 1e-3

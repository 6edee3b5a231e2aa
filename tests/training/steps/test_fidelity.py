"""Training steps: what is minimised, what is averaged, and what a state restores."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vidsr.models.checkpoint import build_generator
from vidsr.training.command.setup import build_critic
from vidsr.training.data.crop_pool import luma
from vidsr.training.networks import losses
from vidsr.training.networks.student import build_student
from vidsr.training.options import PRESETS, Options, preset
from vidsr.training.steps.adversarial import Adversarial
from vidsr.training.steps.fidelity import Fidelity

CPU = torch.device("cpu")
SMALL = {"width": 8, "blocks": 1, "scale": 2, "steps": 9, "precision": "fp32", "middle": 8}


def options(model: str = "lite", **given: object) -> Options:
    return preset(model, data="x", **{**SMALL, **given})


def fidelity(chosen: Options, **more: object) -> Fidelity:
    student = build_student(chosen.config(), seed=chosen.seed, middle=chosen.middle)
    return Fidelity(student, chosen, CPU, **more)  # type: ignore[arg-type]


def gan(**given: object) -> Adversarial:
    chosen = options(
        "srgan",
        **{"perceptual_weight": 0.0, "pixel_weight": 1.0, "discriminator_width": 4, **given},
    )
    student = build_student(chosen.config(), seed=0, middle=0)
    return Adversarial(student, chosen, CPU, critic=build_critic(chosen, CPU), features=None)


def crops(channels: int, scale: int = 2, size: int = 16, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return a batch of two blurred pictures and their originals."""
    torch.manual_seed(seed)
    high = nn.functional.interpolate(torch.rand(2, channels, 6, 6), size * scale, mode="bicubic")
    high = high.clamp(0, 1)
    return nn.functional.avg_pool2d(high, scale) if scale > 1 else high * 0.9, high


@pytest.mark.parametrize("model", [m for m in PRESETS if m != "srgan"])
def test_every_generator_learns(model: str) -> None:
    scale = 1 if model == "unet" else 2
    chosen = options(model, scale=scale, rate=1e-3, blocks=2 if model == "unet" else 1)
    learner = fidelity(chosen)
    low, high = crops(chosen.channels, scale)
    first = learner.learn(low, high, 0)["loss"]
    for step in range(1, 25):
        last = learner.learn(low, high, step)["loss"]
    assert last < 0.9 * first


@pytest.mark.parametrize(("loss", "value"), [("l1", 0.5), ("mse", 0.25)])
def test_the_loss_is_the_named_one(loss: str, value: float) -> None:
    learner = fidelity(options(loss=loss))
    high = torch.full((1, 1, 16, 16), 0.75)
    # A fresh student enlarges by repetition.
    shown = learner.learn(torch.full((1, 1, 8, 8), 0.25), high, 0)["loss"]
    assert float(shown) == pytest.approx(value, abs=1e-6)


def test_averaged_weights_follow_the_learned_ones() -> None:
    learner = fidelity(options(decay=0.5))
    before = {k: v.clone() for k, v in learner.average.items()}
    learner.learn(*crops(1), 0)
    now = learner.student.plain_weights()
    for name, mean in learner.average.items():
        # After one step the decay is 1/11 or 0.5, whichever is less.
        assert torch.allclose(mean, before[name] / 11 + now[name] * 10 / 11, atol=1e-6)
    for step in range(12):
        learner.update_average()
        assert step < 12
    assert all(torch.allclose(m, now[n], atol=1e-3) for n, m in learner.average.items())


def test_a_student_of_luma_sees_luma_of_colour_crops() -> None:
    learner = fidelity(options())
    low, high = crops(3)
    assert torch.equal(learner.forward(low), learner.forward(luma(low)))
    assert float(learner.learn(low, high, 0)["loss"]) > 0


def test_a_teacher_takes_its_share() -> None:
    chosen = options(teacher="t", teacher_weight=1.0)
    teacher = build_generator(chosen.config())
    nn.init.constant_(teacher.tail.bias, 0.125)  # type: ignore[arg-type]
    nn.init.zeros_(teacher.tail.weight)
    learner = fidelity(chosen, teacher=teacher.eval())
    low, high = crops(1)
    # The student begins as repetition, which the teacher adds 1/8 to; the original counts nothing.
    assert float(learner.learn(low, high, 0)["loss"]) == pytest.approx(0.125, abs=1e-6)


def same(a: object, b: object) -> bool:
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("kind", ["lite", "srresnet", "srgan"])
def test_a_restored_learner_goes_on_to_the_bit(kind: str) -> None:
    def fresh() -> Fidelity:
        return gan(flicker_weight=0.1) if kind == "srgan" else fidelity(options(kind, **norm))

    norm = {"norm": "batch"} if kind == "srresnet" else {}
    size = 16 if kind == "srgan" else 8
    channels = 1 if kind == "lite" else 3
    whole, first, second = fresh(), fresh(), fresh()
    for step in range(4):
        whole.learn(*crops(channels, seed=step, size=size), step)
    for step in range(2):
        first.learn(*crops(channels, seed=step, size=size), step)
    second.restore(first.state())
    for step in range(2, 4):
        second.learn(*crops(channels, seed=step, size=size), step)
    assert same(whole.state(), second.state())


@pytest.mark.parametrize("adversarial", ["bce", "hinge", "wgan-gp"])
@pytest.mark.parametrize("discriminator", ["patch", "srgan"])
def test_both_networks_of_a_gan_learn(adversarial: str, discriminator: str) -> None:
    learner = gan(
        adversarial=adversarial,
        discriminator=discriminator,
        adversarial_weight=0.1,
        tv_weight=0.1,
        mesh_weight=0.1,
        rate=1e-3,
    )
    low, high = crops(3)
    before = [p.detach().clone() for p in learner.critic.parameters()]
    shown = [learner.learn(low, high, step) for step in range(12)]
    assert all(value.isfinite() for each in shown for value in each.values())
    assert set(shown[0]) == {"loss", "pixel", "adversarial", "tv", "mesh", "critic"}
    assert shown[-1]["pixel"] < shown[0]["pixel"]
    moved = zip(before, learner.critic.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in moved)


def test_losses_beside_that_on_pixels_are_added_by_their_weights() -> None:
    chosen = options("unet", scale=1, edge_weight=0.5, colour_weight=2.0, loss="l1")
    low, high = crops(3, scale=1)
    shown = fidelity(chosen).learn(low, high, 0)  # an untrained restorer returns its input
    assert set(shown) == {"loss", "edge", "colour"}
    torch.testing.assert_close(shown["edge"], losses.edge(low, high))
    torch.testing.assert_close(shown["colour"], losses.colour(low, high))
    whole = losses.l1(low, high) + 0.5 * shown["edge"] + 2 * shown["colour"]
    torch.testing.assert_close(shown["loss"], whole)


@pytest.mark.parametrize("adversarial", ["hinge", "wgan-gp"])
def test_a_restorer_learns_against_a_critic(adversarial: str) -> None:
    """The losses of DeblurGAN: features are left out, whose weights are not ours."""
    chosen = options(
        "unet", scale=1, stride=2, adversarial=adversarial, adversarial_weight=0.01, rate=1e-3,
        discriminator_width=4, edge_weight=0.1, colour_weight=0.1, flicker_weight=0.1, crop=32,
        shuffle="icnr",
    )  # fmt: skip
    student = build_student(chosen.config(), seed=0, middle=0)
    learner = Adversarial(student, chosen, CPU, critic=build_critic(chosen, CPU), features=None)
    low, high = crops(3, scale=1, size=32)
    shown = [learner.learn(low, high, step) for step in range(12)]
    assert all(value.isfinite() for each in shown for value in each.values())
    names = {"loss", "pixel", "edge", "colour", "adversarial", "flicker", "critic"}
    assert set(shown[0]) == names
    assert shown[-1]["pixel"] < shown[0]["pixel"]


def test_the_critic_learns_to_tell() -> None:
    learner = gan(adversarial_weight=0.0, rate=1e-3, discriminator="patch")
    low, high = crops(3)
    shown = [float(learner.learn(low, high, step)["critic"]) for step in range(20)]
    assert shown[-1] < 0.8 * shown[0]


def test_flicker_is_nothing_for_a_still_result_and_much_for_a_jumpy_one() -> None:
    learner = gan(flicker_weight=1.0)
    low, _ = crops(3, size=24)
    flat, noisy = torch.full((2, 3, 48, 48), 0.5), torch.rand(2, 3, 48, 48)

    def flicker(out: Tensor) -> float:
        learner.forward = lambda low: out[:, :, : 2 * low.shape[2]]  # type: ignore[method-assign]
        values = [float(learner._flicker(out, low, flat, step)) for step in range(8)]
        return sum(values) / 8

    assert flicker(flat) == 0
    assert flicker(noisy) > 0.2  # differences of independent uniform numbers are 1/3 on average


def test_gradients_are_clipped() -> None:
    high = torch.rand(1, 1, 16, 16)
    low = torch.rand(1, 1, 8, 8)
    moved = []
    for clip_norm in (1e-6, 1e3):
        learner = fidelity(options(clip_norm=clip_norm, loss="mse", warmup=0))
        learner.learn(low, high, 0)
        first = next(p for p in learner.optimiser.learned if p.grad is not None)
        assert first.grad is not None
        moved.append(
            torch.cat([p.grad.flatten() for p in learner.optimiser.learned if p.grad is not None])
        )
    assert float(moved[0].norm()) <= 1.01e-6
    assert float(moved[1].norm()) > 1e-3


def test_both_optimisers_get_the_rate() -> None:
    learner = gan()
    learner.set_rate(0.125)
    for optimiser in (learner.optimiser, learner.critic_optimiser):
        assert [group["lr"] for group in optimiser.adam.param_groups] == [0.125]


def test_the_penalty_of_wgan_counts() -> None:
    shown = []
    for weight in (0.0, 1000.0):
        learner = gan(adversarial="wgan-gp", penalty_weight=weight)
        shown.append(float(learner.learn(*crops(3), 0)["critic"]))
    assert shown[1] > shown[0] + 100  # a fresh critic is nearly flat: (0 - 1)^2 times 1000


def test_flicker_compares_the_same_place() -> None:
    """A network that only repeats pixels follows its input: what is left is what it aliases."""
    learner = gan(flicker_weight=1.0)
    torch.manual_seed(0)
    coarse = torch.rand(2, 3, 8, 8)
    high = nn.functional.interpolate(coarse, 96, mode="bicubic", antialias=True).clamp(0, 1)
    low = nn.functional.interpolate(high, 48, mode="bicubic", antialias=True)

    def smooth(low: Tensor) -> Tensor:
        return nn.functional.interpolate(low, scale_factor=2.0, mode="bicubic")

    learner.forward = smooth  # type: ignore[method-assign]
    right = sum(float(learner._flicker(smooth(low), low, high, step)) for step in range(8))
    # The noise of the second look leaves 0.004 of itself; a place two pixels aside would add twice
    # the picture's slope, which is 0.02 a pixel.
    assert 0.001 < right / 8 < 0.007


def test_a_state_of_a_gpu_is_taken_up_on_a_processor() -> None:
    learner = fidelity(options())
    learner.learn(*crops(1), 0)
    state = learner.state()
    for group in state["optimiser"]["adam"]["param_groups"]:
        group["lr"], group["capturable"] = torch.tensor(0.5), True
    again = fidelity(options())
    again.restore(state)
    again.set_rate(1e-3)
    again.learn(*crops(1), 1)
    group = again.optimiser.adam.param_groups[0]
    assert (group["lr"], group["capturable"]) == (1e-3, False)


def test_features_are_compared_from_many_offsets() -> None:
    learner = gan()
    offsets = {learner._offset(step) for step in range(2000)}
    assert offsets == {(top, left) for top in range(8) for left in range(8)}
    assert learner._offset(7) == gan()._offset(7)

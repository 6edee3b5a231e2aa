"""Recipes: what they may say, what is drawn from them, and what their chains do to clips."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.makers.restorers import make_restorer
from vidsr.degradation.chain import Chain, Step
from vidsr.degradation.operations.catalogue import OPS, Values
from vidsr.degradation.operations.resize import resize
from vidsr.degradation.recipe import Recipe
from vidsr.degradation.recipe_files import recipe_names
from vidsr.errors import NoInputError, OptionError
from vidsr.picture.size import Size
from vidsr.video.still_images import to_bytes

GEOMETRIC = ("resize", "gaussian_blur", "motion_blur", "defocus", "sharpen", "chroma", "jpeg")
SHIPPED = [
    *("bicubic", "blocks", "blur", "broadcast", "codecs", "motion"),
    *("surveillance", "web"),
]


def clip(frames: int = 3, height: int = 50, width: int = 67, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return resize(torch.rand(frames, 3, 9, 11, generator=generator), Size(width, height)).clamp(
        0, 1
    )


def blob(size: int = 128, sigma: float = 10.0) -> Tensor:
    """Draw a round grey spot in the middle of black, ``[1, 3, size, size]``."""
    line = torch.exp(-0.5 * ((torch.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return (0.8 * line[:, None] * line[None]).expand(1, 3, size, size).contiguous()


def off_centre_px(x: Tensor) -> float:
    """Return how far the brightest half of a spot is off centre, on the further axis, in pixels."""
    mass = (x.double().mean((0, 1)) - 0.1).clamp(min=0)
    place = torch.arange(len(mass), dtype=torch.float64) - (len(mass) - 1) / 2
    return max(abs(float((mass.sum(dim) * place).sum() / mass.sum())) for dim in (0, 1))


def geometric(chain: Chain) -> Chain:
    return Chain(tuple(step for step in chain.steps if step.op in GEOMETRIC))


class TestShipped:
    def test_names(self) -> None:
        assert recipe_names() == SHIPPED
        assert all(Recipe.load(name).about for name in SHIPPED)

    @pytest.mark.parametrize("name", SHIPPED)
    def test_the_size_is_exact_and_so_are_the_bytes(self, name: str) -> None:
        recipe, x = Recipe.load(name), clip()
        for seed, scale in ((0, 4), (1, 2), (2, 1), (3, 3)):
            y = recipe.sample(seed).apply(x, scale)
            assert y.shape == (3, 3, 50 // scale, 67 // scale)
            assert torch.equal(y, to_bytes(y).float() / 255)
            assert torch.equal(y, recipe.sample(seed).apply(x, scale))

    @pytest.mark.parametrize("name", [n for n in SHIPPED if n != "bicubic"])
    def test_another_seed_is_another_picture(self, name: str) -> None:
        recipe, x = Recipe.load(name), clip()
        assert not torch.equal(recipe.sample(1).apply(x, 2), recipe.sample(2).apply(x, 2))

    @pytest.mark.parametrize("name", SHIPPED)
    def test_nothing_moves(self, name: str) -> None:
        """A spot comes back where it was, to 0.1 HR pixel: nearest 8-bit levels and JPEG steps."""
        recipe = Recipe.load(name)
        for seed in range(8):
            small = geometric(recipe.sample(seed)).apply(blob(), 4)
            assert off_centre_px(resize(small, Size(128, 128), "bicubic")) < 0.1

    @pytest.mark.parametrize("name", SHIPPED)
    def test_codecs_do_not_move_it_either(self, name: str) -> None:
        """To half an LR pixel: macroblocks of a small spot are coarse."""
        recipe = Recipe.load(name)
        for seed in range(4):
            small = recipe.sample(seed).apply(blob(192, 20.0).expand(3, -1, -1, -1), 4)
            assert off_centre_px(resize(small[-1:], Size(192, 192), "bicubic")) < 2

    def test_bicubic_is_that_alone(self) -> None:
        x = clip(2, 52, 68)
        wanted = torch.nn.functional.interpolate(x, (13, 17), mode="bicubic", antialias=True)
        y = Recipe.load("bicubic").sample(9).apply(x, 4)
        assert torch.equal(to_bytes(y), to_bytes(wanted))

    @pytest.mark.parametrize("name", SHIPPED)
    def test_something_is_left_to_learn_from(self, name: str) -> None:
        """Upscaled again, it is still nearer to the truth than a flat picture is."""
        x = clip(1, 128, 128).expand(4, -1, -1, -1)
        for seed in range(6):
            y = resize(Recipe.load(name).sample(seed).apply(x, 2), Size(128, 128), "bicubic")
            error, contrast = (y - x).pow(2).mean(), x.var(dim=(2, 3)).mean()
            assert float(error) < 0.5 * float(contrast)


class TestChain:
    @pytest.mark.parametrize("name", ["web", "broadcast", "surveillance"])
    def test_chunks_do_not_matter(self, name: str) -> None:
        """Frames pushed one by one, or a longer video begun: the same bytes."""
        x = clip(6, 48, 64)
        chain = Recipe.load(name).sample(4)
        stream = chain.open(Size(64, 48), 2)
        frames = [y for i in range(6) for y in stream.push(x[i : i + 1])] + stream.finish()
        assert torch.equal(torch.cat(frames), chain.apply(x, 2))

    def test_lengths_are_in_final_pixels(self) -> None:
        """The same blur at twice the scale is twice as wide before shrinking."""
        chain = Chain(
            (Step("gaussian_blur", {"sigma_px": 1.0, "ratio": 1, "angle_deg": 0, "beta": 1}),)
        )
        x = blob(64, 3.0)
        twice = resize(x, Size(128, 128), "bicubic").clamp(0, 1)
        once, other = chain.apply(x, 2), chain.apply(twice, 4)
        assert torch.allclose(once, other, atol=4 / 255)  # two kernels sampled differently

    def test_no_steps_end_at_the_size(self) -> None:
        assert Chain(()).apply(clip(1, 9, 13), 2).shape == (1, 3, 4, 6)
        assert Chain(()).apply(clip(0, 9, 13), 1).shape == (0, 3, 9, 13)

    def test_combs_and_blocks_show_the_frame_before(self) -> None:
        dark, bright = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
        x = torch.cat((dark, bright, bright))
        combed = Chain((Step("interlace", {"stale": "odd"}),)).apply(x, 1)
        assert combed.mean((1, 2, 3)).tolist() == [0, 0.5, 1]
        values: Values = {"share": 1.0, "block_px": 8, "fill": "previous"}
        assert float(Chain((Step("drop_blocks", values),)).apply(x, 1).max()) == 0

    @pytest.mark.parametrize("size", [(7, 40), (40, 3)])
    def test_too_small(self, size: tuple[int, int]) -> None:
        with pytest.raises(OptionError, match="too small"):
            Chain(()).apply(torch.rand(1, 3, *size), 2)

    def test_what_is_no_clip(self) -> None:
        for x in (torch.rand(3, 8, 8), torch.rand(1, 1, 8, 8), torch.rand(1, 3, 8, 8).double()):
            with pytest.raises(OptionError, match="float32"):
                Chain(()).apply(x, 1)

    def test_it_can_be_described(self) -> None:
        chain = Chain((Step("band", {"levels": 8}), Step("defocus", {"radius_px": 1.23456})))
        assert chain.describe() == "band(levels=8) > defocus(radius_px=1.235)"
        assert Chain(()).describe() == "nothing"


class TestDrawing:
    def test_ranges_choices_and_defaults(self) -> None:
        recipe = Recipe.parse(
            '[[step]]\nop = "jpeg"\nquality = [30, 32]\nsubsampling = ["420", "444"]\n'
            '[[step]]\nop = "drop_blocks"\nshare = [0.1, 0.2]\nblock_px = { choices = [8, 16] }\n',
            "t",
        )
        jpegs, blocks = zip(*(recipe.sample(seed).steps for seed in range(60)), strict=True)
        assert {step.values["quality"] for step in jpegs} == {30, 31, 32}
        assert {step.values["subsampling"] for step in jpegs} == {"420", "444"}
        assert {step.values["block_px"] for step in blocks} == {8, 16}
        assert {step.values["fill"] for step in blocks} == {"previous"}
        shares = [float(step.values["share"]) for step in blocks]
        assert 0.1 <= min(shares) < 0.12 < 0.18 < max(shares) <= 0.2
        assert len({step.seed for step in blocks}) == 60

    def test_probability_alternatives_and_order(self) -> None:
        recipe = Recipe.parse(
            '[[step]]\nop = "band"\nlevels = 4\nprobability = 0.5\n'
            '[[step]]\nop = "jpeg"\nquality = 50\none_of = "a"\nweight = 3\n'
            '[[step]]\nop = "resize"\none_of = "a"\n'
            '[[step]]\nop = "defocus"\nradius_px = 1\nshuffle = "s"\n'
            '[[step]]\nop = "chroma"\nshuffle = "s"\n',
            "t",
        )
        drawn = [[step.op for step in recipe.sample(seed).steps] for seed in range(200)]
        assert 60 < sum("band" in ops for ops in drawn) < 140  # of 200 at 0.5: sigma is 7
        assert all(("jpeg" in ops) != ("resize" in ops) for ops in drawn)
        assert 120 < sum("jpeg" in ops for ops in drawn) < 180  # at 3/4: sigma is 6
        assert {tuple(ops[-2:]) for ops in drawn} == {("defocus", "chroma"), ("chroma", "defocus")}

    def test_a_generator_goes_on(self) -> None:
        recipe, rng = Recipe.load("web"), random.Random(1)
        assert recipe.sample(rng) != recipe.sample(rng)
        assert recipe.sample(random.Random(1)) == recipe.sample(1)

    def test_what_is_left_out_changes_no_other_step(self) -> None:
        recipe = Recipe.parse(
            '[[step]]\nop = "band"\nlevels = [2, 200]\nprobability = 0\n'
            '[[step]]\nop = "defocus"\nradius_px = [0, 9]\n',
            "t",
        )
        kept = replace(recipe, steps=(replace(recipe.steps[0], probability=1), recipe.steps[1]))
        assert kept.sample(3).steps[1:] == recipe.sample(3).steps

    def test_every_operation_runs(self, tmp_path: Path) -> None:
        network = make_restorer(tmp_path / "net.safetensors")
        given: dict[str, object] = {
            "sigma_px": 1, "length_px": 2, "radius_px": 1, "sigma_levels": 3, "photons": 300,
            "quality": 60, "levels": 32, "amount": 0.5, "share": 0.3, "crf": 30, "qscale": 6,
            "model": f'"{network.name}"',
        }  # fmt: skip
        for name, op in OPS.items():
            lines = [f"{key} = {given[key]}" for key in op.parameters if key in given]
            recipe = Recipe.parse("\n".join(["[[step]]", f'op = "{name}"', *lines]), "t", tmp_path)
            y = recipe.sample(0).apply(clip(2, 33, 35), 2)
            assert y.shape == (2, 3, 16, 17)
            assert bool(torch.isfinite(y).all())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "recipe t: not TOML"),
        ("steps = 1", "recipe t: unknown key 'steps'; expected about, step.* mean 'step'"),
        ("about = 3", "recipe t: about: expected a line of text, got 3"),
        ("step = 1", r"begun by \[\[step\]\]"),
        ('[[step]]\nop = "jepg"', "step 1: op: expected one of .*, got 'jepg'.*mean 'jpeg'"),
        ("[[step]]\nquality = 3", "step 1: op: expected .*, got None"),
        ('[[step]]\nop = "band"\nlevels = 4\n[[step]]\nop = "jpeg"\nqualty = 3',
         r"recipe t, step 2 \(jpeg\): unknown key 'qualty'.*did you mean 'quality'"),
        ('[[step]]\nop = "jpeg"', "quality is missing; expected 1 to 100 .whole."),
        ('[[step]]\nop = "jpeg"\nquality = 101', "quality: expected 1 to 100 .whole., got 101"),
        ('[[step]]\nop = "jpeg"\nquality = [0, 9]', "quality: expected 1 to 100.*, got 0"),
        ('[[step]]\nop = "jpeg"\nquality = 50.5', "quality: expected .*whole.*, got 50.5"),
        ('[[step]]\nop = "jpeg"\nquality = [9, 3]', "the lower end first"),
        ('[[step]]\nop = "jpeg"\nquality = [1, 2, 3]', "expected a number, .*or choices"),
        ('[[step]]\nop = "jpeg"\nquality = {choices = []}', "with any in it"),
        ('[[step]]\nop = "jpeg"\nquality = true', "quality: expected .*, got True"),
        ('[[step]]\nop = "jpeg"\nquality = nan', "quality: expected .*, got nan"),
        ('[[step]]\nop = "jpeg"\nquality = 9\nsubsampling = "42O"', "did you mean '420'"),
        ('[[step]]\nop = "jpeg"\nquality = 9\nprobability = 2', "y: expected 0 to 1, got 2"),
        ('[[step]]\nop = "jpeg"\nquality = 9\none_of = 2', "one_of: expected a name .*, got 2"),
        ('[[step]]\nop = "h264"', "one of crf and bits_per_pixel"),
        ('[[step]]\nop = "h264"\ncrf = 9\nbits_per_pixel = 1', "one of crf and bits_per_pixel"),
    ],
)  # fmt: skip
def test_what_a_recipe_must_not_say(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        Recipe.parse(text, "t")
    assert "\n" not in str(caught.value)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('about = "mine"\n[[step]]\nop = "resize"\n')
    assert Recipe.load(path).about == "mine"
    with pytest.raises(NoInputError, match="did you mean surveillance"):
        Recipe.load("surveilance")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(OptionError, match="cannot be read"):
        Recipe.load(path)

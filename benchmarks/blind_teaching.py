"""Teach the estimator that looks at luma alone: ``material.npz ... --out numbers.npz``.

A small network learns from features of pictures to two quantiles of log2(1 + error in levels): the
middle one, and a low one, which is only high where the picture leaves little doubt. A tenth of the
photographs and one video are left out and judged; ``--all`` then learns from them as well.

The numbers that ship learned from 40000 pictures, made in five rounds while looks were added to
``blind_material.py``: a new run gives numbers that are like them, but not the same.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vidsr.video.coding.blind.estimate import MARGIN
from vidsr.video.coding.blind.features import features
from vidsr.video.coding.blind.patches import patches

QUANTILES = (0.05, 0.4)
WIDTHS = (32, 16)
NOISE = 0.1  # of standardised features


def read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str], list[str]]:
    """Return features, errors, clips and kinds of a file, from a cache beside it where it is."""
    cache = path.with_suffix(".features.npz")
    if not cache.exists():
        with np.load(path, allow_pickle=True) as file:
            lumas, levels = list(file["luma"]), file["levels"]
            clips, kinds = file["clip"], file["kind"]
        rows = [(features(cut), i) for i, each in enumerate(lumas)
                if (cut := patches(each, 8)) is not None]  # fmt: skip
        kept = [i for _, i in rows]
        np.savez(cache, x=[x for x, _ in rows], y=levels[kept], clip=clips[kept], kind=kinds[kept])
    with np.load(cache) as file:
        return file["x"], file["y"], list(file["clip"]), list(file["kind"])


def network(inputs: int, widths: Sequence[int] = WIDTHS) -> nn.Sequential:
    """Return a small network of two outputs."""
    layers: list[nn.Module] = []
    for before, after in zip((inputs, *widths), (*widths, 0), strict=True):
        layers += [nn.Linear(before, after or len(QUANTILES))] + ([nn.ReLU()] if after else [])
    return nn.Sequential(*layers)


def pinball(found: Tensor, true: Tensor) -> Tensor:
    """Return each picture's loss, least where the outputs are the quantiles."""
    wanted = torch.tensor(QUANTILES)
    off = true[:, None] - found
    return torch.maximum(wanted * off, (wanted - 1) * off).sum(dim=1)


def teach(x: Tensor, y: Tensor, weight: Tensor, epochs: int, seed: int) -> nn.Sequential:
    """Return a network that learned from standardised features."""
    torch.manual_seed(seed)
    net = network(x.shape[1])
    batch, steps = 256, epochs * (len(x) // 256 + 1)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(x), (batch,))
        noisy = x[chosen] + NOISE * torch.randn(batch, x.shape[1])
        loss = (weight[chosen] * pinball(net(noisy), y[chosen])).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return net.eval()


def left_out(clip: str) -> bool:
    """Return True for clips that are judged and not learned from, whatever their look."""
    name = clip.split()[0]
    return name.startswith("VID") or zlib.crc32(name.encode()) % 10 == 0


def judged(told: NDArray[np.float64], true: NDArray[np.float64], kinds: list[str]) -> None:
    """Print how far off the estimate is by kind of picture."""
    sure = np.clip(told[:, 0] / MARGIN - 1, 0, 1) * told[:, 1]
    for kind in ("clean", "once", "resized", "twice"):
        picked = np.array([each.startswith(kind) for each in kinds])
        t, y = sure[picked], true[picked]
        if kind == "clean":
            print(
                kind,
                picked.sum(),
                "above 0.5, 1, 2:",
                *[(t > k).mean().round(4) for k in (0.5, 1, 2)],
            )
            continue
        for low, high in ((0, 2), (2, 4), (4, 8), (8, 99)):
            some = (y >= low) & (y < high)
            if some.sum() > 4:
                shares = np.quantile(t[some] / np.maximum(y[some], 0.05), (0.1, 0.5, 0.9)).round(2)
                print(kind, low, some.sum(), shares, "none", (t[some] == 0).mean().round(2))
        seen = t > 0
        print(kind, "correlation", np.corrcoef(t, y)[0, 1].round(3), "median off",
              np.median(np.abs(t[seen] / y[seen] - 1)).round(3))  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("material", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--all", action="store_true", help="learn from what is judged as well")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    files = [read(path) for path in arguments.material]
    x, y = (np.concatenate([file[i] for file in files]) for i in range(2))
    clips, kinds = (list(chain.from_iterable(file[i] for file in files)) for i in (2, 3))
    out = np.array([left_out(each) for each in clips])
    used = np.ones_like(out) if arguments.all else ~out
    mean, spread = x[used].mean(axis=0), x[used].std(axis=0) + 1e-3
    standard = torch.from_numpy(np.clip((x - mean) / spread, -5, 5)).float()
    target = torch.from_numpy(np.log2(1 + y)).float()
    clean = np.array([each.startswith("clean") for each in kinds])
    weight = torch.from_numpy(np.where(clean, 3.0, 1.0)).float()
    net = teach(standard[used], target[used], weight[used], arguments.epochs, 1)
    with torch.no_grad():
        told = 2 ** net(standard).double().numpy() - 1
    for name, some in (("learned", ~out), ("left out", out)):
        print(name)
        judged(told[some], y[some], [k for k, s in zip(kinds, some, strict=True) if s])
    worst = sorted(zip(told[out & clean, 0].round(2), np.array(clips)[out & clean], strict=True))[
        -8:
    ]
    print(*worst, sep="\n")
    print(
        "mean square of features, 99 and 99.9 %",
        np.quantile(standard.square().mean(dim=1), (0.99, 0.999)),
    )
    if arguments.out:
        write(arguments.out, mean, spread, net)
    return 0


def write(
    path: Path, mean: NDArray[np.float64], spread: NDArray[np.float64], net: nn.Sequential
) -> None:
    """Write what the estimator reads."""
    made = {"mean": mean, "spread": spread}
    for i, layer in enumerate(each for each in net if isinstance(each, nn.Linear)):
        made[f"weight{i}"] = layer.weight.detach().numpy()
        made[f"bias{i}"] = layer.bias.detach().numpy()
    numbers: Any = {name: each.astype(np.float16) for name, each in made.items()}
    np.savez_compressed(path, **numbers)


if __name__ == "__main__":
    sys.exit(main())

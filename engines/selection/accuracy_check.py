"""Trial of an engine: real pictures, against the same network in float32."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.tiling import run_tiled
from vidsr.errors import VidsrError
from vidsr.picture.size import Size

# A picture of 8 bits is rounded at 59 dB; at 50 dB the error is 0.8 of a level, root mean square.
LEAST_PSNR_DB = 50.0
# bfloat16 has the range of float32, so that nothing overflows, and 8 bits of mantissa where float16
# has 11: srresnet-x4 measures 49.9 to 54 dB on crops of Set5, srgan-x4 34.5 dB on a checkerboard of
# single pixels. What is broken is far below 30.
LEAST_PSNR_DB_BF16 = 30.0
# Codes of 8 bits, whose steps fit what photographs and lettering make of a network: the shipped
# ones measure 43.9 dB and more on every crop of Set5 and Set14, 31 to 33 on noise of single pixels,
# 17 to 22 where that is black and white only, and there float32 takes over.
LEAST_PSNR_DB_INT8 = 30.0
# The reference in float32 sees no more at once: the whole frame may need more memory than is left.
TILE = Size(256, 256)


def least_psnr_db(dtype: torch.dtype) -> float:
    """Return what an engine whose activations are of ``dtype`` has to reach against float32."""
    coded = dict.fromkeys((torch.int8, torch.float8_e4m3fn), LEAST_PSNR_DB_INT8)
    least_db = {torch.bfloat16: LEAST_PSNR_DB_BF16, **coded}
    return least_db.get(dtype, LEAST_PSNR_DB)


@dataclass(frozen=True)
class Verdict:
    """Distance of an engine from the reference; ``fault`` says in a few words what is wrong."""

    psnr_db: float
    fault: str = ""

    @property
    def trusted(self) -> bool:
        return not self.fault


def check_engine(candidate: Engine, reference: Engine, x: Tensor) -> Verdict:
    """Run both on ``x`` [N, channels, H, W] in [0, 1] and compare what a viewer would see.

    Not a number, infinite values, a wrong shape, a failure and less than ``least_psnr_db``
    (over the clamped picture) are faults. The reference need not take the same type. Both also run
    on ``waves`` first: a real frame may be black, where a wrong engine is clamped to right, and
    a graph that was recorded with one picture and shows it for ever after would pass with one. The
    candidate runs twice on the waves: plainly and, where it has them, under a new graph.
    """
    pattern = _compare(candidate, reference, waves(x), runs=2)
    return pattern if pattern.fault else min(pattern, _compare(candidate, reference, x), key=_worth)


def waves(like: Tensor) -> Tensor:
    """Return a picture of that shape, in [0.1, 0.9]: waves that shorten down to four pixels."""
    rows, columns = (
        torch.arange(n, dtype=torch.float32, device=like.device)[:, None] for n in like.shape[2:]
    )
    down, across = (torch.sin(n**2 / len(n) * 0.8 + 1) for n in (rows, columns))
    return (down * across.T * 0.4 + 0.5).expand(like.shape).contiguous()


def _worth(verdict: Verdict) -> tuple[bool, float]:
    return verdict.trusted, verdict.psnr_db


def _compare(candidate: Engine, reference: Engine, x: Tensor, runs: int = 1) -> Verdict:
    wanted = _picture(reference, x, TILE)
    return min((_judge(candidate, wanted, x) for _ in range(runs)), key=_worth)


def _judge(candidate: Engine, wanted: Tensor, x: Tensor) -> Verdict:
    try:
        found = _picture(candidate, x)
    except VidsrError as error:
        return Verdict(-math.inf, f"it failed: {error.message}")
    if found.shape != wanted.shape:
        return Verdict(-math.inf, f"it gives {tuple(found.shape)}, not {tuple(wanted.shape)}")
    wrong = int((~found.isfinite()).sum())
    if wrong:
        return Verdict(-math.inf, f"{wrong} of {found.numel()} values are not finite")
    psnr_db = _psnr_db(found, wanted)
    least_db = least_psnr_db(candidate.dtype)
    if psnr_db < least_db:
        return Verdict(psnr_db, f"{psnr_db:.1f} dB from fp32, expected {least_db:g} or more")
    return Verdict(psnr_db)


def _picture(engine: Engine, x: Tensor, tile: Size | None = None) -> Tensor:
    result = run_tiled(engine, x.to(engine.device, engine.input_dtype), tile).float()
    return result + engine.offset


def _psnr_db(found: Tensor, wanted: Tensor) -> float:
    difference = (found.clamp(0, 1) - wanted.to(found.device).clamp(0, 1)).double()
    error = float(torch.mean(difference * difference))
    return math.inf if error == 0 else -10 * math.log10(error)

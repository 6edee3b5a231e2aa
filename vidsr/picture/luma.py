"""Luma of R'G'B' pictures, as networks are taught and judged on it."""

from __future__ import annotations

# BT.601's weights of R', G', B': what the field's PSNR on Y is measured with.
LUMA = (0.299, 0.587, 0.114)

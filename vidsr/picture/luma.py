"""Luma of R'G'B' pictures, by which networks are trained and judged."""

from __future__ import annotations

# BT.601's weights of R', G', B': what the field's PSNR on Y is measured with.
LUMA = (0.299, 0.587, 0.114)

"""Kinds of engines that people ask for by name; importable without torch."""

from __future__ import annotations

from typing import Literal

EngineKind = Literal["auto", "torch", "tensorrt", "compile", "openvino"]

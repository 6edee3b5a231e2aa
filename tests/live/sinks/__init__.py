"""Tests of ``vidsr.live.sinks``."""

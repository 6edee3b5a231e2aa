"""Proof from a packet's own bits that decoding may begin there."""

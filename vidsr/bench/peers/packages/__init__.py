"""Peers that are packages with networks of their own, run on pictures of Pillow."""

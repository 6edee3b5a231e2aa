"""Runs that several processes share: planned once, worked on by any number, joined in the end."""

"""Upscaling without learning: a picture that, captured again, gives the frames that are there."""

"""Containers for coded packets of which nobody has a file to copy from."""

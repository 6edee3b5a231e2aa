"""Runs in pieces on several processes, here or on a cluster of Ray or Dask."""

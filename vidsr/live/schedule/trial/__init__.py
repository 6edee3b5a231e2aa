"""Trials of the scheduler: on virtual time, and with simulated cameras on this machine."""

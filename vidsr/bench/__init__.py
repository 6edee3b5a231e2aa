"""``vidsr-bench``: frames a second on this machine, what limits them, and what others reach."""

"""Command ``vidsr-bench``: frames a second on this machine, their limit, and those of others."""

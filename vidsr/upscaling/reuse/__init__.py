"""Reuse of what stands still: tiles whose source samples did not change are not computed again."""

"""Previews: a few places of a film, before and after, in less than a minute."""

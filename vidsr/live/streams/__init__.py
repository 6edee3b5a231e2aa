"""Streams: one source, a scheduler and sinks joined, as programs embed them."""

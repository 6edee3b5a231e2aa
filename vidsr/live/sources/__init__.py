"""Live sources: an address becomes a thread that connects, decodes and connects again."""

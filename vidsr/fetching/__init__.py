"""Models fetched from the addresses of the user's own index."""

"""Models of the user's own by name: a folder, and an index of addresses."""

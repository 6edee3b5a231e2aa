"""How long pictures are shown, and where a file's video ends."""

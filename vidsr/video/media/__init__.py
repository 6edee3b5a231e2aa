"""Media that a source reads its bytes from and a sink writes them to, other than named files."""

"""Opening a live source: its address, its options, one connection, and why it failed."""

"""Reading a live source: times, pictures and sound out of the packets of a connection."""

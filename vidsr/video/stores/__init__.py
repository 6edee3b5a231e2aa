"""Objects in stores that fsspec reaches: listed, read, written whole; sources among them."""

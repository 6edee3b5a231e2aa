"""ncnn's pairs of files as networks."""

"""What a file says of its streams beyond FFmpeg's first look at it."""

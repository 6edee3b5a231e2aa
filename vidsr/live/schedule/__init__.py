"""The scheduler: which frame of which stream is upscaled next, and at which level of quality."""

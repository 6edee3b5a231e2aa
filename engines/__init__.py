"""Engines: what runs a generator on a device, up to its last pixel shuffle."""

if __name__ != "vidsr.engines":
    raise ImportError("import vidsr.engines, not engines: the folder is part of the package vidsr")

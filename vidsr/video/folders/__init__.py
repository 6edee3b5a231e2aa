"""Folders of shared jobs, of a file system or of an object store, with leases of their pieces."""

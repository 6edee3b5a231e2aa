"""The generators and their weights."""

"""Making low-resolution video look as it does in the wild, for training and for tests."""

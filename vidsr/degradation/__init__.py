"""Degradations that make video look as low-resolution video in the wild does, to train and test."""

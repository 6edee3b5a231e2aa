"""Pieces of a long run: each coded by an encoder of its own, kept, and joined in the end."""

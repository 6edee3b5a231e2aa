"""Opinions of people: a blind page of pairs, and scores from the votes that it gives."""

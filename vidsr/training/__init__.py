"""Training of the generators that ship."""

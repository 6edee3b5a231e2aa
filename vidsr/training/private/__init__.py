"""Differentially private training: what one photograph or video changes is bounded and drowned."""

"""The command vidsr-models: what models are, and what they cost here."""

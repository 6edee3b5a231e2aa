"""Rules by which streams share workers, without a thread or a clock: times are arguments."""

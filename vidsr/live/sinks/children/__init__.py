"""Network sinks in processes of their own: what parent and child say to each other."""

"""Several inputs with one command: names, targets, a loop that goes on, a watched folder."""

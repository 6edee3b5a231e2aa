"""The service: many streams out of one configuration, signals, the command vidsr-live."""

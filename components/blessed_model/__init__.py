"""The model in service, as the baseline that a new one has to meet."""

"""The components of the pipeline: adapters to TFX, and beside each the pure functions that it calls."""

"""TFX's ExampleValidator, made to stop a run whose data is not sound."""

"""TFX's StatisticsGen, made to count every class on its own."""

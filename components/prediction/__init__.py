"""Predictions of a pushed model for photos in folders. Needs TensorFlow and Pillow; neither TFX nor Beam."""

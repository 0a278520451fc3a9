"""Scores from summed counts, shared by training, evaluation and the page."""

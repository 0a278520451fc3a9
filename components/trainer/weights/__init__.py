"""Weights that a network starts from: where they lie, how they are read, what of them fits."""

"""Drawn sample data: photos of aeroplanes with segmentation masks, written by `write_sample_data`."""

from components.sample_data.aeroplanes import write_sample_data

__all__ = ["write_sample_data"]

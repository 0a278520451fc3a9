import numpy as np
from test_page import Outline

from components.report.histogram import BINS, iou_histogram, photos_by_bin


def test_photos_are_counted_in_equal_ranges():
    counts = photos_by_bin(np.array([0.0, 0.049, 0.05, 0.5, 0.99, 1.0]))
    assert (counts[0], counts[1], counts[10], counts[-1]) == (2, 1, 1, 2)
    assert counts.sum() == 6
    assert len(counts) == BINS


def test_the_histogram_tells_its_figures_in_words():
    text = Outline(iou_histogram([0.2, 0.6, 0.95, None, None], [])).text
    assert "Median 0.600; 1 photo of 3 below 0.5, 1 at 0.9 or above. 2 photos without an object left out." in text
    assert "in service" not in text


def test_the_model_in_service_is_drawn_beside():
    outline = Outline(iou_histogram([0.2, 0.6], [0.4, None]))
    assert "Median of the model in service 0.400" in outline.text
    assert any(attributes.get("class") == "step" for tag, attributes in outline.tags if tag == "path")


def test_a_split_without_objects_says_so():
    for ious in ([], [None, None], [float("nan")]):
        assert "No photo has an IoU" in Outline(iou_histogram(ious, [])).text

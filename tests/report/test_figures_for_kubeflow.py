"""The evaluation in the words of Kubeflow's own artifacts."""

from components.evaluator.summary import EvaluationSummary, SliceScores
from components.report.figures_for_kubeflow import confusion_matrix, scores

PIXELS = [[5, 1, 0], [2, 3, 0], [0, 0, 0]]
WHOLE = SliceScores("all photos", 9, 0.6, 0.9, {"sky": 0.9, "plane": 0.3, "bird": None}, PIXELS)
SMALL = SliceScores("object/size = small", 4, None, 0.8, {"sky": 0.9, "plane": None, "bird": None}, [[1, 0, 0]] * 3)
BEFORE = SliceScores("all photos", 9, 0.5, 0.8, {"sky": 0.8, "plane": 0.2, "bird": None}, PIXELS)


def test_scores_are_those_of_all_photos_and_the_means_of_slices():
    assert scores(EvaluationSummary(True, [], [WHOLE, SMALL], [BEFORE])) == {
        "blessed": 1.0,
        "mean IoU": 0.6,
        "pixel accuracy": 0.9,
        "photos": 9.0,
        "IoU of sky": 0.9,
        "IoU of plane": 0.3,
        "mean IoU of the model in service": 0.5,
    }


def test_an_evaluation_of_nothing_has_a_verdict_only():
    assert scores(EvaluationSummary(False, [], [])) == {"blessed": 0.0}


def test_the_matrix_keeps_the_order_of_classes():
    matrix = confusion_matrix(EvaluationSummary(True, [], [WHOLE]), ["sky", "plane", "bird"])
    assert matrix["annotationSpecs"] == [{"displayName": "sky"}, {"displayName": "plane"}, {"displayName": "bird"}]
    assert matrix["rows"][1] == {"row": [2, 3, 0]}

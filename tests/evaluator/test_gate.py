import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.gate import eval_config
from components.evaluator.metric import SegmentationScores
from components.evaluator.settings import GateSettings
from schema.labelmap import LabelClass, LabelMap

GATE = GateSettings(min_mean_iou=0.6, min_class_iou=0.2, max_drop=0.03, eval_batch_size=4)


def label_map(*names, background):
    return LabelMap(tuple(LabelClass(name, (number,) * 3) for number, name in enumerate(names)), (), background)


SCENE = label_map("plane", "sky", "car", background="sky")


def thresholds_of(config):
    """One threshold by metric name."""
    (spec,) = config.metrics_specs
    found = {}
    for name, per_slice in spec.per_slice_thresholds.items():
        (found[name],) = per_slice.thresholds
    return found


def test_floors_of_the_mean_and_of_each_class_but_the_background():
    thresholds = thresholds_of(eval_config(SCENE, GATE))
    floors = {name: one.threshold.value_threshold.lower_bound.value for name, one in thresholds.items()}
    assert floors == {"mean_iou": 0.6, "iou/plane": 0.2, "iou/car": 0.2}


def test_a_class_may_lack_a_value_where_classes_may_be_absent():
    gate = GateSettings(require_all_classes=False)
    assert set(thresholds_of(eval_config(SCENE, gate))) == {"mean_iou"}


def test_drops_are_left_to_the_rules():
    # TFMA can neither leave out small slices nor look at an interval.
    assert not any(
        one.threshold.HasField("change_threshold") for one in thresholds_of(eval_config(SCENE, GATE)).values()
    )


def test_thresholds_apply_to_the_whole_split_alone():
    for name, threshold in thresholds_of(eval_config(SCENE, GATE)).items():
        assert list(threshold.slicing_specs) == [config_pb2.SlicingSpec()], name


def test_slices_are_those_of_the_settings():
    gate = GateSettings(slices=("object/size", "image/folder"))
    slices = [list(one.feature_keys) for one in eval_config(SCENE, gate).slicing_specs]
    assert slices == [[], ["object/size"], ["image/folder"]]


def test_both_models_are_run_by_the_evaluation_signature():
    candidate, baseline = eval_config(SCENE, GATE).model_specs
    assert (candidate.name, candidate.is_baseline) == ("candidate", False)
    assert (baseline.name, baseline.is_baseline) == ("baseline", True)
    for spec in (candidate, baseline):
        assert spec.signature_name == "evaluation"
        assert spec.inference_batch_size == 4


def test_tfma_finds_the_metric_by_its_name():
    (spec,) = eval_config(SCENE, GATE).metrics_specs
    (metric,) = spec.metrics
    assert (metric.module, metric.class_name) == (SegmentationScores.__module__, SegmentationScores.__name__)
    assert metric.config == '{"class_names": ["plane", "sky", "car"]}'


@pytest.mark.parametrize("has_baseline", [True, False])
def test_tfma_accepts_the_configuration(has_baseline):
    config = tfma.utils.update_eval_config_with_defaults(
        eval_config(SCENE, GATE), has_baseline=has_baseline, rubber_stamp=True
    )
    tfma.utils.verify_eval_config(config)
    assert [spec.is_baseline for spec in config.model_specs] == [False, True][: 1 + has_baseline]
    # Floors hold without a baseline too, or the first model would be served whatever it scores.
    assert set(thresholds_of(config)) == {"mean_iou", "iou/plane", "iou/car"}

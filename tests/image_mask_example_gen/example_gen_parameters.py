"""What the executor of ImageMaskExampleGen is given: the settings' own defaults."""

from components.image_mask_example_gen.component import ImageMaskExampleGenSpec
from components.image_mask_example_gen.settings import DataSettings


def parameters(label_map, **settings):
    """All parameters; the fingerprints are empty."""
    defaults = {name: getattr(DataSettings(), name, "") for name in ImageMaskExampleGenSpec.PARAMETERS}
    return {**defaults, "label_map": label_map.to_json(), **settings}

"""The trainer component: the PSPNet model and its training."""

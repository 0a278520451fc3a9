"""The PSPNet model: its encoder, its pyramid pooling head and their weights."""

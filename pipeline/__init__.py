"""The pipeline: its configuration, its graph, and what each runner needs."""

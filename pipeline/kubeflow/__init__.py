"""The pipeline on Kubeflow Pipelines: what is compiled, what a step runs, how a run is submitted."""

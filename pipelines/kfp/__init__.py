"""The client of Kubeflow Pipelines: submits runs, watches, stops and repeats them."""

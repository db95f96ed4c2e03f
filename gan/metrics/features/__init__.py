"""Feature networks. Importing this package imports no TensorFlow: `gan-pipelines` reads names in `feature_networks`."""

"""One thin Kubeflow component a step: its body imports from `gan`, calls one function, and fills the artifacts."""

"""The Kubeflow components, one file a step: a thin function whose body imports from `gan`, calls one function of it,
and fills the artifacts. `registry` lists the steps.

`runtime` is what every body needs around that call; `multi_worker` trains one run in several pods; `kubernetes_api`
retries calls of Kubernetes.
"""

"""Kubeflow components: one a step, each a thin function whose body imports from `gan`, calls one function of it, and
fills the artifacts. `registry` lists them.

Around them: `runtime` runs their bodies and records how each step ended; `multi_worker` trains in several pods;
`kubernetes` is the API client that steps share with `pipelines`.
"""

"""Kubeflow components: one a step, each a thin function whose body imports from `gan`, calls one function of it, and
fills the artifacts. `registry` lists them.

Around them: `runtime` runs their bodies; `ledger`, `record`, `termination` and `vitals` tell how a step ended;
`ending` and `webhook_address` serve `notify`; `stop` is the hook that ends a step's process; `workers`, `worker_*`
and `kubernetes_api` are training in several pods.
"""

"""`gan-pipelines doctor`: does what a run will need work, and if not, what is to be done?

`check` tries things, `store` looks at the store, `backend` at Kubeflow Pipelines, and the others at Kubernetes. Each
check tries the very thing that a run does, or reads what decides about it. One whose ground has failed is not tried,
and says so; one that is not ours to look at says that.
"""

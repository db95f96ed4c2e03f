"""`gan-pipelines doctor`: checks whether everything that a run needs works, and says how to fix what does not.

`check` runs checks, `store` checks the store, `backend` Kubeflow Pipelines, and the others Kubernetes. A check does the
same call as a run, or reads what decides about it. It is skipped where one that it depends on has failed, and
inconclusive where we lack the permission.
"""

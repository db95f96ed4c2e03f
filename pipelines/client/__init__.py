"""The client: what submits runs to Kubeflow Pipelines, watches, stops and repeats them.

Kubeflow: `address` says where its API is, `connection` how it is asked, `faults` what goes wrong there in words,
`pages` how lists are read. Kubernetes: `cluster`, `groups`, `forward`, `step_pods`, `waiting`, `workflow`. What is
sent: `image`, `registry`, `settings`, `upload`. What the commands call: `submit`, `runs`, `status`, `logs`, `wait`,
and `control` with `stopping` and `remains`. `kfp.Client` is not used: it knows no CANCELED, dies on one 503, and its
constructor raises urllib3's errors.
"""

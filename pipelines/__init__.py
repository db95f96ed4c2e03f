"""The pipelines, and the `gan-pipelines` command that runs and compiles them.

`training` is the pipeline; `main` parses; `compiled` writes YAML; `local` runs the compiled components on this machine.
What talks to a cluster (submit, status, logs, schedule, cancel) belongs beside `local`, in `client`: it takes the same
checked `Request` and shows its progress on the same `Display`.
"""

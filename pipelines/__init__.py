"""The pipelines, and the `gan-pipelines` command that runs and compiles them.

`training`, `retraining` and `sweep` are the pipelines, built from `tasks` in the pods of a profile; `compiled` writes
their YAML. What a user asks for is a checked `Request`: `local` runs it on this machine, `client` on a cluster,
`schedule` again and again; `doctor` looks whether a cluster can. `commands` has a file for each command; `main` parses.
"""

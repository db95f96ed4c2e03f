"""Schedules: when Kubeflow Pipelines starts runs by itself, written as YAML and kept in git.

`cron` knows when, `zone` in whose time, `file` what a user writes, `plan` what Kubeflow is to be told, `version` what
it has been told and `host` how it is asked, `diff` how the two differ, `change` makes the one into the other,
`control` pauses, resumes, deletes and runs, and `listing` shows.
"""

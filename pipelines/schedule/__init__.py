"""Schedules: runs that Kubeflow Pipelines starts by itself, from YAML files kept in git.

`cron` and `time_zone` say when; `file` is what a user writes, `plan` what it resolves to, `version` what Kubeflow has,
and `host` the calls to it. `diff` compares the two, `handover` replaces one version by the next without missing a run,
`control` pauses, resumes, deletes and runs, and `listing` lists.
"""

"""Schedules: runs that Kubeflow Pipelines starts by itself, from YAML files kept in git.

`cron` and `time_zone` say when; `file` is what a user writes, `version` what it resolves to, what Kubeflow has, and how
they differ; `host` has the calls to Kubeflow. `handover` replaces one version by the next without missing a run, and
`control` pauses, resumes, deletes, runs and lists.
"""

"""The pipelines, and the `gan-pipelines` command that runs and compiles them.

`registry` lists the pipelines, `dags` builds them, `profiles` gives their pods resources. A user's `request` is checked
first; then `local` runs it on this machine, `kfp` on a cluster, and `schedule` again and again. `kubernetes` reads what
only the cluster knows, and `doctor` checks whether a run can work there. `cli` has one file for each command.
"""

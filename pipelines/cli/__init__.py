"""The `gan-pipelines` command: one file for the commands that belong together."""

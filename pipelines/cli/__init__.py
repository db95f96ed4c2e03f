"""The `gan-pipelines` command: one file for each command, or for a few that belong together."""

"""The commands of `gan-pipelines`, one file each or a few that belong together.

`add(add)` of each puts the commands and their flags into the parser and names, with `set_defaults(do=...)`, the
function that does the work and returns what to print. Nothing heavy is imported outside those functions.
"""

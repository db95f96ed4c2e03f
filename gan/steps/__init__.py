"""The pipeline steps, one per file, each with one function that the command line and the components call."""

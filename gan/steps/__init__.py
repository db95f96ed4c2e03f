"""One file a step, each with one function that the command line and the pipeline components call."""

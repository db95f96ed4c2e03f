"""The health of training: cheap signals at fixed intervals, a verdict on each check, and what follows from it."""

"""The steps of a sweep: schedule trials, run a trial, and select the best."""

"""The steps of a sweep: which trials come next, one trial, and the best of all."""

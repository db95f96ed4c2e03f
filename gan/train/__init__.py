"""Training: the step, the loop, checkpoints, and everything that lets a run survive interruptions.

`run`, `checkpoint` and `logging.metrics_log` read what a run wrote to the store, without importing TensorFlow.
"""

"""From two networks and batches to checkpoints: the step, the loop, and everything that makes a run survive.

`run`, `checkpoint` and `metrics_log` read what a run left in the store, and do so without TensorFlow.
"""

"""Scores of generated images.

scores/                     one file per metric: pure maths, and `measure`, which returns its scores
maths/                      standard errors, paired differences, intervals and distances: pure maths
features/                   networks that turn pixels into features, one file per network
registry                    METRICS: the metrics and how to read their scores
identity                    what a score was measured with; only scores of equal identity are compared
reference, samples, score   the real images, the generated images, and the record of an evaluation
"""

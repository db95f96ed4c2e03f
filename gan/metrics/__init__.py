"""Scores: the maths apart from the feature networks, and both apart from the registry that ties them together.

fid  kid  prdc  modes  memorisation   pure maths: arrays in, numbers out; `measure` makes scores of it
contributions  fid_influence  shares  the same for standard errors, paired differences and intervals
features/                             networks that turn pixels into features, one file a network
registry                              METRICS: which there are, and how their scores are read
identity                              what a score was measured with; scores of different identity never meet
reference, samples, score             the reference, the pixels to judge, and the record of an evaluation
"""

"""From original files to shards, and from shards to batches.

sources/       what a data set is made of: one file each
preprocess     scan -> shuffled order -> decode in parallel -> shards + manifest -> dataset.json
training       stage.Stage -> records -> input.Batches
evaluation     stage.Stage -> records -> load.load_split
"""

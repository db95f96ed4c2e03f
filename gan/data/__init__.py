"""From original files to shards, and from shards to batches.

source_files/   original files: downloaded, copied from a bucket, read safely
sources/        one file per data source: finds and lists the original files
prepare/        scan -> shuffled order -> decode in parallel -> shards + manifest -> dataset.json
shards/         TFRecord shards: written, fetched, cached, read at random
training        shards.fetcher.ShardFetcher -> shards.records.Records -> input.Batches
evaluation      shards.fetcher.ShardFetcher -> shards.records.Records -> load.load_split
"""

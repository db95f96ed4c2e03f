"""The TFRecord shards of a dataset: how they are written, read at random, fetched and cached."""

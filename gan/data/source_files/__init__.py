"""The original files of a source: downloaded, copied from a bucket, and read safely."""

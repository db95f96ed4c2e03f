"""From original files to prepared pixels: reading, decoding, splits, and the dataset that is written."""

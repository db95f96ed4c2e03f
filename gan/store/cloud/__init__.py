"""Object storage behind one interface: Google Cloud Storage and S3, resumable transfers, one retry policy."""

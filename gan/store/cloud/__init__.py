"""Object storage behind one interface: Google Cloud Storage and S3, transfers that resume, one retry policy."""

"""What every package may use and none owns: logging, environment, ids, temporary files, signals, webhooks."""

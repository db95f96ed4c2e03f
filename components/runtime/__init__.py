"""What every component needs around its one call: results on record, attempts, metrics, errors, the preStop hook."""

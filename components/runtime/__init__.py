"""What every component needs around its one call: results and attempts recorded, metrics, errors, the preStop hook."""

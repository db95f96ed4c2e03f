"""What an operator runs over a store: inspect, verify, copy, delete what nothing needs."""

"""An operator's tools for a store: inspect, verify, copy, and garbage collection."""

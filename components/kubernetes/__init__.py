"""What steps and the client share of Kubernetes: its API, pod logs, and why pods wait."""

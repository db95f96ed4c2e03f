"""Records that grow during the work: executions of steps, sweeps, verdicts and audit logs."""

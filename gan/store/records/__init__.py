"""Records that grow while work goes on: executions of steps, sweeps, verdicts and audit logs."""

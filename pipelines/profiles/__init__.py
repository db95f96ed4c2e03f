"""Resource profiles: what each step's pod gets on a kind of cluster, and how a task is given that."""

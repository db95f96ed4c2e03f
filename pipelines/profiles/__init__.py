"""Resource profiles: what each step's pod gets on a kind of cluster, and how that is applied to its task."""

"""Training on several nodes: the step's pod creates the pods that train, watches and deletes them."""

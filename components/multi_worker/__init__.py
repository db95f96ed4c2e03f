"""Training on several nodes: the pods that do it, made, watched and ended by the step's own pod."""

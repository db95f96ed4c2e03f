"""What the client reads and deletes in Kubernetes itself: pods, workflows, images, leftovers of runs."""

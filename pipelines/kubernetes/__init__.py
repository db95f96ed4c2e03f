"""What the client asks of Kubernetes itself: pods, workflows, images, and what runs leave behind."""

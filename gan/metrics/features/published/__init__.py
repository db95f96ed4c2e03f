"""Networks that were trained on ImageNet and published, read without PyTorch."""

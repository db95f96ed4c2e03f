"""Published networks that were trained on ImageNet, read without PyTorch."""

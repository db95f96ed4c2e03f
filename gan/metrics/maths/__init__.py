"""What several metrics and the gate calculate with: contributions of images, intervals, differences, distances."""

"""What a run writes for people: metrics, TensorBoard events, samples, throughput."""

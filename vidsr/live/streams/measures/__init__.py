"""What a stream notes about itself: states, rates, latency and pauses."""

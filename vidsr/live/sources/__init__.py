"""Sources of live video: addresses, connections, states, clocks."""

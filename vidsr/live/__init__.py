"""Live video: cameras and broadcasts in and out, each frame within a deadline."""

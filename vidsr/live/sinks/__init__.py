"""Encoders and sinks of live video, network sinks in processes of their own."""

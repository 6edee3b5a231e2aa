"""The encoder of live video, its settings, and the conversion of sound."""

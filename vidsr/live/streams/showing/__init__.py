"""The last part of a stream: pictures at their times, coded and handed to sinks."""

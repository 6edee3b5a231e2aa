"""Pages for people: all streams, one stream, and the login."""

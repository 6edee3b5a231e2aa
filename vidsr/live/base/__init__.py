"""Records and protocols that the parts of live video share."""

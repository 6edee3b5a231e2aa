"""Moving pictures for viewers: coded once, newest first, only while somebody looks."""

"""The gate of the web server: tokens, sessions, hosts, and limits on attempts."""

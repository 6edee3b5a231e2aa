"""Films behind addresses: read over HTTP and FTP, resumed where a connection breaks."""

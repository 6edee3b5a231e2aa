"""Still pictures in HEIF files (HEIC, AVIF), of which a file may hold many."""

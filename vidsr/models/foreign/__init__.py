"""Models of other people: their files, their architectures, and what is known of them."""

"""What is kept from run to run: engines, networks, findings about models."""

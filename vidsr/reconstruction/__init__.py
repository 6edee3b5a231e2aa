"""Large pictures of several frames of a static scene."""

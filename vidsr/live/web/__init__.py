"""The view from outside: metrics, health, a page with previews."""

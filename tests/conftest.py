"""Its place puts `tests/` on the path, so that a test imports the shared `layouts` by that name."""

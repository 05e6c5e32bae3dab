"""Batches: objects that belong together, worked page by page, from whatever source."""

"""Embedders that a project trains from its own labels, and how it moves to them."""

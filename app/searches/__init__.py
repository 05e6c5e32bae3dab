"""Searches that people keep, and what they find among what is new."""

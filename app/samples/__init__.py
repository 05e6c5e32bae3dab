"""Samples: where and when a project's objects were taken, and how far each sample is sorted."""

"""Learned spaces: linear maps of a project's vectors under which likeness follows its taxa."""

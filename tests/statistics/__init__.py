"""Tests of a project's statistics."""

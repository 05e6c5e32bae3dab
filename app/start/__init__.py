"""A project's start: how far it is, and what would bring most now."""

"""Projects: who may see them, their settings and members."""

"""Reference projects frozen as named versions, and proposals to the next one."""

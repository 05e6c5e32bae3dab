"""Long work: queued in the caller's transaction, run by worker processes or by a command, resumed after any death."""

"""Cards of like objects: proposed by a job, looked at, changed, and named."""

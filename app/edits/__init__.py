"""Mass edits: columns of objects, samples, acquisitions and processes, and labels, changed as acts that are undone."""

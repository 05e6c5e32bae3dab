"""What people say of objects: acts, their undoing, history, counts and runs of predictions."""

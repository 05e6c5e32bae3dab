"""Projects written out in the formats of their field, each as a job whose file is kept for a week."""

"""Projects reshaped: subsets, merges, and deletion that can be taken back for 30 days."""

"""The tree of taxa: looking names up, counting by branch, adding classes."""

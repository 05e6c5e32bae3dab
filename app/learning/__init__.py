"""Learning sets: validated objects of chosen projects, frozen, with the taxa that they are to teach."""

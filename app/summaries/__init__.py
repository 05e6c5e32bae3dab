"""Abundance, concentration and biovolume of taxa, by sample or acquisition, as files and as a plot."""

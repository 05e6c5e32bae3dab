"""Statistics of a project: per taxon, person, sample and day, as pages, CSV and for programs."""

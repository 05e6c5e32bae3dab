"""How what is said of an object is kept as small numbers: the places in these."""

STATUSES = "UPDV"
UNCLASSIFIED, PREDICTED, DUBIOUS, VALIDATED = range(4)
PROVENANCES = ("", "predicted", "single", "batch", "audit", "imported", "api")

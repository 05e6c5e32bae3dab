"""Numbers with the right form of their noun."""

PLURALS = {"taxon": "taxa", "person": "people", "match": "matches", "class": "classes", "process": "processes"}


def noun(n: int, one: str, many: str = "") -> str:
    """What stands after the number: "taxon" after 1, otherwise "taxa", or what `many` says."""
    return one if n == 1 else many or PLURALS.get(one, one + "s")


def counted(n: int, one: str, many: str = "") -> str:
    """1 taxon, 6,721 taxa."""
    return f"{n:,} {noun(n, one, many)}"

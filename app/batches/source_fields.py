"""What each kind of source wants to know, in words: the table that the documentation of POST /batches shows."""

QUERY = {"query": "a filter as in the address of a board, such as status=U&taxon=5; without it all unlabelled"}
TAXON = {"taxon_id": "the taxon, needed"}
PAIR = {"pair": "two taxa, [5, 7], to have these alone"}
WHOSE = {"who": "an account's id, for the labels of one person", "taxon_id": "for the labels of one taxon"}
FIELDS: dict[str, dict[str, str]] = {
    "examples": {
        "ids": "examples to be like", "not_ids": "objects to leave out",
        "image": "instead of ids, the token of an uploaded image or a text", **QUERY,
        "taxon_id": "what they are looked for as; else the taxon that all examples are validated as",
        "far": "true: the least alike",
    },
    "filter": {"query": "a filter and an order as in the address of a board"},
    "predicted": {
        **TAXON, "alone": "true: without what is predicted as a taxon below it",
        "known": "true: without what is unlike the learning set",
        "order": "score, margin or novelty: by which they come from sure to unsure",
        "unsure_first": "true: from unsure to sure",
        "min_score": "the least score, 0 to 1", "max_score": "the largest score, 0 to 1, both included",
        "min_margin": "the least margin to the second choice's score", "max_margin": "the largest margin",
        "min_novelty": "the least novelty, 0 to 1", "max_novelty": "the largest novelty, such as 0.99",
    },
    "confusion": {
        "classifier_id": "a classifier of this project, needed", "truth": "the taxon that they are, needed",
        "predicted": "the taxon that it called them, needed",
    },
    "unlike": {
        "query": "a filter as in the address of a board", "taxon_id": "one predicted taxon alone",
        "from": "the least novelty, 0 to 1; without it that from which the run calls an object novel",
    },
    "useful": {**QUERY, "n": "how many, 300 if not said: then a classifier that has learned from them tells others"},
    "outliers": TAXON,
    "stragglers": TAXON,
    "mistakes": PAIR,
    "refine": PAIR,
    "novelties": QUERY,
    "duplicates": QUERY,
    "cluster": {
        "cluster_ids": "ids of cards of one run, needed", "beyond": "true: what is like them, on none of them",
    },
    "pile": {"pile_id": "the pile, needed"},
    "review": {**WHOSE, "all": "true: also what was reviewed before", "hidden": "true: the page hides the labels"},
    "to_confirm": WHOSE,
    "returned": {},
    "search": {"search_id": "one's own kept search, needed", "all": "true: also the matches that one has looked at"},
}  # fmt: skip


def described() -> str:
    """A paragraph for each kind."""
    return "\n\n".join(f"`{kind}`: {_fields(fields)}." for kind, fields in FIELDS.items())


def _fields(fields: dict[str, str]) -> str:
    return "; ".join(f"`{name}`, {words}" for name, words in fields.items()) or "nothing else"

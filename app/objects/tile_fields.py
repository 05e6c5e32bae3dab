"""What is told of a tile, an object as it is shown among others, in words: for the documentation of the API."""

TILE = {
    "id": "of the object",
    "orig_id": "its own name",
    "status": "U, P, D or V",
    "taxon_id": "null where nothing is said of it",
    "taxon": "its display name",
    "taxon_italic": "whether that is written in italics",
    "score": "of the prediction, 0 to 1",
    "state": "to be sent with a label",
    "hash": "of its first image",
    "thumb_url": "where that is had as a thumbnail, with the same token",
    "page_url": "for people",
    "width": "of the tile as drawn",
    "height": "of the tile as drawn",
    "image_width_px": "of the image",
    "scale_bar": "its true scale, where that is known",
    "shrink": "how many times smaller than the others it is drawn",
    "n_images": "how many it has",
    "n_comments": "how many it has",
    "is_aside": "whether it lies on an open pile",
    "distance": "cosine, to what was asked for; null where nothing was",
    "fields": "columns that were asked for",
}
IN_A_BATCH = {
    "chance": "calibrated, of the label that the batch expects",
    "mark": "0 passed over, 1 marked, 2 not this",
    "seen": "whether it was reported as seen",
    "stack": "a number that near-duplicates share, else null",
}


def described(words: dict[str, str] = TILE) -> str:
    """The fields between commas."""
    return ", ".join(f"`{name}` ({meaning})" for name, meaning in words.items())

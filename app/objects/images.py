"""Bytes of images and thumbnails for a browser: behind the project's check, and in a format that it can show."""

from dataclasses import dataclass
from io import BytesIO
from threading import Lock
from typing import Any

from PIL import Image

from app.database import Db
from app.errors import NotFound, Refused
from app.objects.store import Store
from indexer.images import BadImage, open_image, to_rgb

# What every browser shows as it is; MIME types by Pillow's name of the format.
SHOWN = {
    "PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp",
    "BMP": "image/bmp",
}  # fmt: skip
# Modes that browsers show wrong or not at all: CMYK, and more than 8 bits of grey.
HIDDEN_MODES = ("CMYK", "I", "F", "LAB", "HSV", "YCbCr")
# Larger ones are sent reduced to this: windows of a browser hold no more, and many do not decode them.
LARGEST_SIDE_PX = 8000
# What a web process decodes for one picture, of which it makes one at a time.
LARGEST_DECODED_BYTES = 300_000_000
BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "LA": 2, "La": 2, "RGB": 3, "YCbCr": 3}
_one_at_a_time = Lock()


@dataclass(frozen=True)
class Bytes:
    """A file's bytes with their MIME type."""

    data: bytes
    media_type: str


def is_shown(content: Any) -> bool:
    """Whether a browser shows a file of this format, mode and size as it is."""
    fits = max(content.width_px, content.height_px) <= LARGEST_SIDE_PX
    return content.format in SHOWN and fits and not content.mode.startswith(HIDDEN_MODES)


def image_url(project_id: int, image: Any) -> str:
    """The address of an image as a browser can show it."""
    return f"/projects/{project_id}/images/{image.hash}" + ("" if is_shown(image) else "?as=png")


def find_content(db: Db, project_id: int, hash: str, validated_only: bool) -> Any:
    """The stored content, if an object of this project (a validated one, where only these may be seen) has it."""
    try:
        digest = bytes.fromhex(hash)
    except ValueError:
        digest = b""
    row = db.execute(
        """
        select content.format, content.mode, content.width_px, content.height_px, content.blob, content.thumbnail
          from content
         where content.hash = %(hash)s
           and exists (select
                         from image
                        where image.hash = content.hash
                          and image.project_id = %(project_id)s
                          and (not %(validated_only)s
                               or exists (select
                                            from label
                                           where label.project_id = image.project_id
                                             and label.object_id = image.object_id
                                             and label.status = 'V')))
        """,
        {"hash": digest, "project_id": project_id, "validated_only": validated_only},
    ).fetchone()
    if row is None:
        raise NotFound("This project has no such image.")
    return row


def read_image(store: Store, content: Any, as_png: bool) -> Bytes:
    """An original as stored; converted, and reduced where it is too large, where asked for and needed."""
    data = store.read(content.blob)
    if not as_png or is_shown(content):
        return Bytes(data, SHOWN.get(content.format, "application/octet-stream"))
    with _one_at_a_time:
        return Bytes(_png(data, LARGEST_DECODED_BYTES // BYTES_A_PIXEL.get(content.mode, 4)), "image/png")


def read_thumbnail(store: Store, content: Any) -> Bytes:
    return Bytes(store.read(content.thumbnail), "image/webp")


def _png(data: bytes, most_pixels: int) -> bytes:
    try:
        image: Image.Image = open_image(data, most_pixels, draft_px=LARGEST_SIDE_PX)
    except BadImage as error:
        raise Refused(f"This image cannot be shown here: {error}. As a file it is as it was imported.", 415) from error
    # Reduced in its own mode first: in colour it would be three times as large.
    factor = -(-max(image.size) // LARGEST_SIDE_PX)
    small = to_rgb(image.reduce(factor) if factor > 1 and image.mode in ("L", "RGB", "RGBA") else image)
    small.thumbnail((LARGEST_SIDE_PX, LARGEST_SIDE_PX))
    target = BytesIO()
    small.save(target, "PNG", compress_level=3)
    return target.getvalue()

"""Bytes of images and thumbnails for a browser: behind the project's check, and in a format that it can show."""

from dataclasses import dataclass
from io import BytesIO
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
LARGEST_SIDE_PX = 8000
# What a web process decodes for one request stays within some 300 MB.
LARGEST_CONVERTED_PX = 64_000_000


@dataclass(frozen=True)
class Bytes:
    """A file's bytes with their MIME type."""

    data: bytes
    media_type: str


def is_shown(format: str, mode: str) -> bool:
    """Whether a browser shows a file of this format and mode as it is."""
    return format in SHOWN and not mode.startswith(HIDDEN_MODES)


def image_url(project_id: int, hash: str, format: str, mode: str) -> str:
    """The address of an image as a browser can show it."""
    return f"/projects/{project_id}/images/{hash}" + ("" if is_shown(format, mode) else "?as=png")


def find_content(db: Db, project_id: int, hash: str, validated_only: bool) -> Any:
    """The stored content, if an object of this project (a validated one, where only these may be seen) has it."""
    try:
        digest = bytes.fromhex(hash)
    except ValueError:
        digest = b""
    row = db.execute(
        """
        select content.format, content.mode, content.blob, content.thumbnail
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
    """An original as stored; converted where asked for and needed."""
    data = store.read(content.blob)
    if not as_png or is_shown(content.format, content.mode):
        return Bytes(data, SHOWN.get(content.format, "application/octet-stream"))
    return Bytes(_png(data), "image/png")


def read_thumbnail(store: Store, content: Any) -> Bytes:
    return Bytes(store.read(content.thumbnail), "image/webp")


def _png(data: bytes) -> bytes:
    try:
        image: Image.Image = to_rgb(open_image(data, LARGEST_CONVERTED_PX))
    except BadImage as error:
        raise Refused(f"This image cannot be shown here: {error}. As a file it is as it was imported.", 415) from error
    image.thumbnail((LARGEST_SIDE_PX, LARGEST_SIDE_PX))
    target = BytesIO()
    image.save(target, "PNG", compress_level=3)
    return target.getvalue()

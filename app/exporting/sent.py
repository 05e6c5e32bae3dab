"""A finished export as an answer: whole, or from where a broken download is to go on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litestar import Request, Response
from litestar.datastructures.headers import ETag
from litestar.response import File, Stream

BLOCK_BYTES = 1 << 20
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
ZIP = "application/zip"


def answer(request: Request, path: Path, name: str, export_id: int) -> Response[Any]:
    """One range as RFC 9110 has it; several, or one of another file than is meant by If-Range, get the whole."""
    media = ZIP if name.endswith(".zip") else "application/octet-stream"
    size, tag = path.stat().st_size, f"export-{export_id}"
    asked = RANGE.fullmatch(request.headers.get("range", "").strip())
    same = request.headers.get("if-range", f'"{tag}"') == f'"{tag}"'
    whole = File(path, filename=name, content_disposition_type="attachment", media_type=media, etag=ETag(value=tag),
                 headers={"Accept-Ranges": "bytes"})  # fmt: skip
    if asked is None or asked.group(0) == "bytes=-" or not same:
        return whole
    first, last = _ends(asked[1], asked[2], size)
    if first > last:
        return Response(b"", status_code=416, media_type=media, headers={"Content-Range": f"bytes */{size}"})
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {first}-{last}/{size}", "ETag": f'"{tag}"'}
    return Stream(_part(path, first, last), status_code=206, media_type=media, headers=headers)


def _ends(first: str, last: str, size: int) -> tuple[int, int]:
    """The first and the last byte; the last so many where only an end is named."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _part(path: Path, first: int, last: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        left = last + 1 - first
        while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
            left -= len(block)
            yield block

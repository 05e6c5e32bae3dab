"""The bytes of images and thumbnails, which never change under their address."""

from collections.abc import Callable
from functools import lru_cache

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.database import Db
from app.objects import atlas, images
from app.objects.store import Store, open_store
from app.projects.access import VISITOR, Project
from app.settings import Settings

FOR_EVER = "private, max-age=31536000, immutable"


@lru_cache(maxsize=4)
def store_of(settings: Settings) -> Store:
    """The store, opened once a process."""
    return open_store(settings)


@get("/projects/{project_id:int}/thumbnails/{hash:str}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_thumbnail(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], hash: FromPath[str]
) -> Response[bytes]:
    content = images.find_content(db, project.id, hash, project.validated_only)
    store = store_of(request.app.state.settings)
    return immutable(request, hash, lambda: images.read_thumbnail(store, content))


@get("/projects/{project_id:int}/images/{hash:str}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_image(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], hash: FromPath[str]
) -> Response[bytes]:
    """The original; with ?as=png as a picture that every browser shows, where the original is none."""
    content = images.find_content(db, project.id, hash, project.validated_only)
    store, as_png = store_of(request.app.state.settings), request.query_params.get("as") == "png"
    tag = f"{hash}-png" if as_png else hash
    return immutable(request, tag, lambda: images.read_image(store, content, as_png))


@get(
    "/projects/{project_id:int}/atlas/{name:str}",
    opt=VISITOR | {"exclude_from_compression": True},
    include_in_schema=False,
    sync_to_thread=True,
)
def show_atlas(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], name: FromPath[str]
) -> Response[bytes]:
    """The thumbnails of a section of tiles in one body."""
    thumbnails = atlas.find_thumbnails(db, project.id, name, project.validated_only)
    store = store_of(request.app.state.settings)
    return immutable(
        request, name[:11], lambda: images.Bytes(atlas.read_atlas(store, thumbnails), "application/x-shoal-atlas")
    )


def immutable(request: Request, tag: str, read: Callable[[], images.Bytes]) -> Response[bytes]:
    """Bytes that never change under their address, or nothing where the browser has them."""
    headers = {"Cache-Control": FOR_EVER, "ETag": f'"{tag}"'}
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    data = read()
    if data.media_type == "application/octet-stream":
        headers["Content-Disposition"] = "attachment"
    return Response(data.data, media_type=data.media_type, headers=headers)


routes = [show_thumbnail, show_image, show_atlas]

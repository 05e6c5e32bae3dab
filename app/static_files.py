"""Static files under addresses that change with their contents, so that browsers keep them for ever."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from app.errors import NotFound
from app.paths import STATIC

# Said by us: with nosniff a wrong type hides the file, and slim systems have no list of types.
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".txt": "text/plain",
}
IMPORT = re.compile(r'^(?:import|export)\b[^"]*"\./([\w-]+\.js)"', re.M)
COMPRESSIBLE = {".css", ".js", ".json", ".svg", ".txt"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    version: str
    modified_ns: int
    body: bytes
    gzipped: bytes | None
    media_type: str


class StaticFiles:
    """The files of one folder, read once and again when they change on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.known: dict[str, StaticFile] = {}

    def find(self, name: str) -> StaticFile:
        path = self._path(name)
        known = self.known.get(name)
        modified_ns = path.stat().st_mtime_ns
        if known is None or known.modified_ns != modified_ns:
            known = self.known[name] = self._read(path, modified_ns)
        return known

    def url(self, name: str) -> str:
        """A script stands in a folder named by the version of all scripts, which its own imports inherit."""
        if name.startswith("js/"):
            return f"/static/{self.scripts_version()}/{name}"
        return f"/static/{name}?v={self.find(name).version}"

    def modules(self, entry: str) -> list[str]:
        """Addresses of all modules that one imports, itself and those that these import, to be fetched at once."""
        found, rest = [], [entry]
        while rest:
            name = rest.pop()
            if name not in found:
                found.append(name)
                rest += IMPORT.findall(self.find(f"js/{name}").body.decode())
        version = self.scripts_version()
        return [f"/static/{version}/js/{name}" for name in found]

    def scripts_version(self) -> str:
        names = sorted(path.name for path in (self.folder / "js").glob("*.js"))
        versions = "".join(f"{name} {self.find(f'js/{name}').version}\n" for name in names)
        return "v-" + hashlib.sha256(versions.encode()).hexdigest()[:12]

    def _path(self, name: str) -> Path:
        path = (self.folder / name.lstrip("/")).resolve()
        if not path.is_relative_to(self.folder) or path.suffix not in MEDIA_TYPES or not path.is_file():
            raise NotFound(f"There is no static file {name}.")
        return path

    @staticmethod
    def _read(path: Path, modified_ns: int) -> StaticFile:
        body = path.read_bytes()
        return StaticFile(
            version=hashlib.sha256(body).hexdigest()[:12],
            modified_ns=modified_ns,
            body=body,
            gzipped=gzip.compress(body, 6, mtime=0) if path.suffix in COMPRESSIBLE else None,
            media_type=MEDIA_TYPES[path.suffix],
        )


static_files = StaticFiles(STATIC)


@get(
    "/static/{name:path}",
    opt={"public": True, "quiet": True, "exclude_from_compression": True},
    include_in_schema=False,
    sync_to_thread=False,
)
def send_static(request: Request, name: FromPath[str], v: FromQuery[str | None] = None) -> Response[bytes]:
    name = name.lstrip("/")
    version, _, script = name.partition("/")
    is_script = version.startswith("v-") and script.startswith("js/")
    file = static_files.find(script if is_script else name)
    is_lasting = version == static_files.scripts_version() if is_script else v == file.version
    headers = {
        "ETag": f'"{file.version}"',
        "Cache-Control": "public, max-age=31536000, immutable" if is_lasting else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", status_code=304, headers=headers)
    body = file.body
    if file.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body = file.gzipped
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=file.media_type, headers=headers)


@get("/favicon.ico", opt={"public": True, "quiet": True}, include_in_schema=False, sync_to_thread=False)
def send_favicon(request: Request) -> Response[bytes]:
    """Browsers ask for it whatever the page says; an empty answer keeps the log and the console clean."""
    return Response(b"", status_code=204, headers={"Cache-Control": "public, max-age=86400"})


routes = [send_static, send_favicon]

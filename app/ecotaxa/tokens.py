"""EcoTaxa's tokens on their way to the worker: sealed with a key that stands in the server's folder, never in clear."""

import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from app.errors import Refused
from app.settings import Settings

LONGEST = 4_000


def _key(settings: Settings, *, make: bool) -> bytes:
    """Made when it is first needed, readable by the server's own account alone."""
    path = Path(settings.home) / "ecotaxa.key"
    if make and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        part.touch(mode=0o600)
        part.write_bytes(Fernet.generate_key())
        # Whoever makes one at the same moment keeps the first.
        with suppress(FileExistsError):
            path.hardlink_to(part)
        part.unlink()
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(
            f"{path} cannot be read ({error.strerror}), and with it the token for EcoTaxa: run the worker with the same"
            " SHOAL_HOME as the server, or use `shoal ecotaxa` there."
        ) from error


def seal(settings: Settings, token: str) -> bytes:
    token = token.strip()
    if not token or len(token) > LONGEST or not token.isascii() or not token.isprintable():
        raise Refused("That is no token of EcoTaxa's: copy it whole, or log in there anew.", status=422)
    return Fernet(_key(settings, make=True)).encrypt(token.encode())


def unseal(settings: Settings, sealed: bytes | None) -> str:
    if sealed is None:
        raise Refused("The token of this visit is gone, as every token goes with its visit: start it again with one.")
    try:
        return Fernet(_key(settings, make=False)).decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Refused("The token was sealed by another server: start the visit again from this one.") from None

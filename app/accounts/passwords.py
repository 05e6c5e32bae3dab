"""Passwords: Argon2id, at least twelve characters, and none that everybody tries first."""

from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from app.errors import Refused

SHORTEST = 12
LONGEST = 256
hasher = PasswordHasher()


@cache
def dummy_hash() -> str:
    """Verified for addresses that have no account, so that the time of an answer does not tell who has one."""
    return hasher.hash("no account has this password")


@cache
def breached() -> frozenset[str]:
    """The patterns that lead every published breach, as far as they are long enough for us.

    Kept short on purpose: length and throttling carry the weight.
    """
    return frozenset(Path(__file__).with_name("breached_passwords.txt").read_text().split())


def hash_password(password: str) -> str:
    return hasher.hash(password)


def check_strength(password: str, *, email: str = "", name: str = "") -> None:
    """Refuse what is short or easily guessed. Which characters it is made of is nobody's business."""
    if len(password) < SHORTEST:
        raise Refused(f"The password is too short: take at least {SHORTEST} characters, a few words for one.", 422)
    if len(password) > LONGEST:
        raise Refused(f"The password is longer than {LONGEST} characters.", 422)
    plain = password.lower()
    of_person = {part for part in (email.lower(), email.lower().partition("@")[0], name.lower()) if len(part) > 3}
    if plain in breached() or len(set(plain)) < 5 or plain.strip("0123456789!.") in of_person:
        raise Refused("This password is among the first that anybody would try. Take a few words of your own.", 422)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether `password` is the one; as slow for an account that has none."""
    try:
        return hasher.verify(password_hash or dummy_hash(), password) and password_hash is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return hasher.check_needs_rehash(password_hash)

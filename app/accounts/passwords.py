"""Passwords: Argon2id, at least twelve characters, and none that everybody tries first."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from app.errors import Refused

SHORTEST = 12
LONGEST = 256
hasher = PasswordHasher()
# Verified for addresses that have no account, so that the time of an answer does not tell who has one.
DUMMY_HASH = hasher.hash("no account has this password")

# The most used passwords of published breaches that are long enough for us, and the words that pad shorter ones.
BREACHED = frozenset(
    """
    123456789012 1234567890123 12345678901234 123456789123 123456789101112 1234567891011 111111111111 000000000000
    121212121212 123123123123 112233445566 987654321098 123321123321 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc
    1qaz2wsx3edc4rfv qazwsxedcrfv qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyuiopasdf qwertyuiopasdfghjkl
    qwerty123456 qwerty1234567 qwerty12345678 qwertyqwerty asdfghjkl123 asdfghjklzxcvbnm zxcvbnmasdfghjkl
    zxcvbnm12345 password1234 password12345 password123456 passwordpassword password!123 passw0rd1234 p@ssw0rd1234
    p@ssword1234 mypassword123 adminadmin12 administrator administrator1 administrator123 admin1234567 admin123456789
    changeme1234 changemechangeme letmeinletmein letmein12345 welcome12345 welcome123456 iloveyou1234 iloveyou12345
    iloveyouforever ihateyou1234 abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefg12345 abcdef123456 abc123abc123
    abc123456789 abcd12345678 a1b2c3d4e5f6 aaaaaaaaaaaa trustno1trustno1 sunshine1234 princess1234 football1234
    baseball1234 superman1234 batman123456 dragon123456 monkey123456 master123456 shadow123456 michael12345
    jennifer1234 jordan123456 charlie12345 correcthorsebatterystaple thisisapassword nopassword123 secret123456
    secretsecret default12345 guest1234567 test12345678 testtesttest test123456789 testpassword temporary123
    qwerasdfzxcv qweasdzxc123 q1w2e3r4t5y6 1234qwerasdf 1234567890qwerty 123456qwerty 123qweasdzxc qwe123qwe123
    pokemon12345 starwars1234 liverpool123 chelsea12345 arsenal12345 manchester123 barcelona123 computer1234
    internet1234 samsung12345 google123456 facebook1234 minecraft123 planktonplankton plankton1234 ecotaxa12345
    ecotaxaecotaxa shoalshoalshoal shoal1234567
    """.split()
)


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
    if plain in BREACHED or len(set(plain)) < 5 or plain.strip("0123456789!.") in of_person:
        raise Refused("This password is among the first that anybody would try. Take a few words of your own.", 422)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether `password` is the one; as slow for an account that has none."""
    try:
        return hasher.verify(password_hash or DUMMY_HASH, password) and password_hash is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return hasher.check_needs_rehash(password_hash)

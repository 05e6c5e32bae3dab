"""Slows down guessing: ten failed logins for an account or from an address in a quarter of an hour, then none.

Counted in PostgreSQL, so that all web processes see the same count and a restart forgets nothing.
"""

from datetime import timedelta
from ipaddress import ip_address, ip_network

from litestar import Request

from app.database import Db
from app.errors import Refused

WINDOW = timedelta(minutes=15)
MOST_FOR_ACCOUNT = 10
# A laboratory shares one address: many people may mistype there before it looks like an attack.
MOST_FROM_ADDRESS = 100


class TooManyAttempts(Refused):
    """Raised before the password is looked at, so that a right guess tells nothing either."""

    status = 429
    title = "Too many attempts"


def check_attempts(db: Db, email: str, address: str) -> None:
    """Refuse where this account or this address has failed too often; says how long to wait."""
    row = db.execute(
        """
        with recent as (
            select email = %(email)s as on_account, address = %(address)s as from_address, at + %(window)s as ends
            from login_failure
            where at > now() - %(window)s
              and (email = %(email)s or address = %(address)s)
        )
        select count(*) filter (where on_account) >= %(most_on_account)s as account_is_shut,
               count(*) filter (where from_address) >= %(most_from_address)s as address_is_shut,
               min(ends) filter (where on_account) - now() as account_wait,
               min(ends) filter (where from_address) - now() as address_wait
        from recent
        """,
        {
            "email": email.strip().lower(),
            "address": address,
            "window": WINDOW,
            "most_on_account": MOST_FOR_ACCOUNT,
            "most_from_address": MOST_FROM_ADDRESS,
        },
    ).fetchone()
    if not row.account_is_shut and not row.address_is_shut:
        return
    wait = row.account_wait if row.account_is_shut else row.address_wait
    seconds = max(1, int(wait.total_seconds()))
    raise TooManyAttempts(
        f"Too many failed logins. Try again in {max(1, round(seconds / 60))} min, or ask an application manager for a "
        "login link.",
        retry_after=seconds,
    )


def note_failure(db: Db, email: str, address: str) -> None:
    db.execute("delete from login_failure where at < now() - interval '1 day'")
    db.execute("insert into login_failure (email, address) values (%s, %s)", [email.strip().lower()[:320], address])


def forget_failures(db: Db, email: str) -> None:
    """After a right password the account starts afresh; the address does not, or one account would unlock others."""
    db.execute("update login_failure set email = '' where email = %s", [email.strip().lower()])


def address_of(request: Request) -> str:
    """The client's address. X-Forwarded-For counts only where it comes from a proxy that the settings name."""
    address = request.client.host if request.client else ""
    trusted = [part.strip() for part in request.app.state.settings.trusted_proxies.split(",") if part.strip()]
    hops = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    while hops and _is_among(address, trusted):
        address = hops.pop()
    return address[:64]


def _is_among(address: str, networks: list[str]) -> bool:
    try:
        return any(ip_address(address) in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False

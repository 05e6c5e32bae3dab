"""Who is asking: an account or an anonymous person, and by which key they came in."""

from dataclasses import dataclass, field
from typing import Any

from litestar import Request


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    email: str
    name: str
    is_application_manager: bool
    keys: dict[str, Any] = field(default_factory=dict)  # of commands, in place of the usual ones


@dataclass(frozen=True, slots=True)
class Viewer:
    account: Account | None = None
    session_hash: bytes | None = None
    token_id: int | None = None
    read_only: bool = False

    @property
    def is_application_manager(self) -> bool:
        return self.account is not None and self.account.is_application_manager

    @property
    def account_id(self) -> int | None:
        return self.account.id if self.account else None


ANONYMOUS = Viewer()


def provide_viewer(request: Request) -> Viewer:
    return request.scope.get("user") or ANONYMOUS

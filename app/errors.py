"""What a person is told when something cannot be done: a sentence of what happened, to what, and what to do."""

from typing import Any


def install(extra: str) -> str:
    """How a package that Shoal does without at first is brought in: `extra` as pyproject.toml names it."""
    return f"run pip install -e '.[{extra}]' in Shoal's folder"


class Refused(Exception):
    """Raised with the sentence to show. Pages, the API and the commands each say it in their own form."""

    status = 400
    title = "That did not work"
    exit_code = 1  # of a command

    def __init__(self, sentence: str, status: int | None = None, **detail: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status or type(self).status
        self.detail = detail


class NotFound(Refused):
    """It does not exist, or the caller may not know that it does."""

    status = 404
    title = "Not found"

    def __init__(self, sentence: str = "There is nothing here. It may have been removed.", **detail: Any) -> None:
        super().__init__(sentence, **detail)


class Forbidden(Refused):
    """The caller may see it, and may not do this to it."""

    status = 403
    title = "Not allowed"


class Conflict(Refused):
    """Somebody else changed it meanwhile, or it is already there."""

    status = 409
    title = "Changed meanwhile"


class Damaged(Refused):
    """What Shoal stands on is not whole, and no command goes on before somebody has seen to it."""

    status = 503
    title = "The database is not whole"
    exit_code = 2


class LoginNeeded(Refused):
    """Nobody is logged in, and this is not open to everyone."""

    status = 401
    title = "Log in first"

    def __init__(self, sentence: str = "Log in to go on.", **detail: Any) -> None:
        super().__init__(sentence, **detail)

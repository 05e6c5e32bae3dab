"""How durations and rates are said, on pages and in commands."""


def time_span(seconds: float) -> str:
    """A duration as people say it: 40 s, 12 min, 3 h 20 min, 2 days 4 h."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    days, hours = divmod(hours, 24)
    if days == 0:
        return f"{hours} h {minutes} min"
    return f"{days} day{'s' if days > 1 else ''} {hours} h"


def rate_text(rate: float, unit: str) -> str:
    """Units a second, or a minute where it is slow."""
    per_second = rate >= 1
    value = rate if per_second else rate * 60
    number = f"{value:,.0f}".replace(",", "\u202f") if value >= 10 else f"{value:.1f}"
    return f"{number} {unit}{' ' if unit else ''}a {'second' if per_second else 'minute'}"

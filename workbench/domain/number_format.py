"""How figures are written for people: digits, signs, intervals, counts."""

from workbench.domain.comparison import Interval
from workbench.domain.metrics import Metric, Undefined

_UNDEFINED = "undefined"


def figure_text(value: Metric, *, digits: int = 3) -> str:
    """Return a figure with a true minus sign, or "undefined".

    Example:
        >>> figure_text(-0.0123)
        '−0.012'
        >>> figure_text(Undefined(undefined="no images"))
        'undefined'
    """
    if isinstance(value, Undefined):
        return _UNDEFINED
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def signed_text(value: Metric, *, digits: int = 3) -> str:
    """Return a difference with its sign always shown.

    Example:
        >>> signed_text(0.0123), signed_text(0.0)
        ('+0.012', '0.000')
    """
    text = figure_text(value, digits=digits)
    return f"+{text}" if isinstance(value, float) and float(f"{value:.{digits}f}") > 0 else text


def interval_text(interval: Interval | None, *, signed: bool = False) -> str:
    """Return both ends of an interval, or a dash where there is none.

    Example:
        >>> interval_text((-0.03, 0.05), signed=True)
        '−0.030 to +0.050'
    """
    if interval is None:
        return "—"
    low, high = (signed_text(end) if signed else figure_text(end) for end in interval)
    return f"{low} to {high}"


def p_text(p: Metric) -> str:
    """Return a p-value to three places.

    Example:
        >>> p_text(0.61), p_text(0.0001)
        ('.610', '< .001')
    """
    if isinstance(p, Undefined):
        return _UNDEFINED
    if p < 0.001:
        return "< .001"
    return "1" if p > 0.9995 else f"{p:.3f}".removeprefix("0")


def count_text(count: int, singular: str, plural: str | None = None) -> str:
    """Return a count with its noun.

    Example:
        >>> count_text(1, "photograph"), count_text(2880, "image")
        ('1 photograph', '2,880 images')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def duration_text(seconds: float) -> str:
    """Return how long something takes, as exact as people need it.

    Example:
        >>> [duration_text(seconds) for seconds in (8, 300, 7500, 200_000)]
        ['8 s', '5 min', '2 h 5 min', '2 days 7 h']
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return count_text(days, "day") + (f" {hours} h" if hours else "")


def bytes_text(size: int) -> str:
    """Return a size in bytes in the unit that suits it.

    Example:
        >>> bytes_text(900), bytes_text(12_345_678), bytes_text(3 * 10**9)
        ('900 B', '12 MB', '3.0 GB')
    """
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            value = size / scale
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{size} B"

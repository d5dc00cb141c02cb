"""Pages from templates, and files that appear complete or not at all."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.atomic_files import atomic_write
from workbench.errors import ConfigError


def page_text(template: str, **values: Any) -> str:
    """Return a page from one of this folder's templates; what people wrote is escaped."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from workbench.report.render import html_table
    from workbench.report.wording import title_of

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"svg": Markup, "table": html_table, "distortion": title_of}
    source = files("workbench.report").joinpath(template).read_text(encoding="utf-8")
    text: str = environment.from_string(source).render(**values)
    return text


def write_output(what: str, path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and move it to its path; missing folders are made.

    Args:
        what: What it is, for the message ("report").
        path: Where to.
        write: Writes the file that it is given.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            write(temporary)
    except OSError as error:
        raise ConfigError(
            f"The {what} cannot be written to {path}: {error.strerror or error}. "
            "Free some space or name another path."
        ) from error


def text_writer(text: str) -> Callable[[Path], object]:
    """Return what writes a text, with the same bytes on every system."""
    return lambda path: path.write_text(text, encoding="utf-8", newline="\n")

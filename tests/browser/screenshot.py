"""Take a picture of every page, with a small and a large database, light and dark.

    make screenshots

puts them into docs/pictures/. Open each and mend what you see. The databases are made up, so those
of the README are taken of what `make demo` has left, with

    python -m tests.browser.screenshot --readme
"""

import argparse
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page

from tests.app.full_database import fill
from tests.app.large_database import fill_large
from workbench.settings import read_settings, resource
from workbench.store import open_store

from .running_app import chromium, empty_page, go_to, running_app, settled
from .test_accessibility import titles

DOCS = resource("docs")
STORES = {"small": fill, "large": fill_large}
SCHEMES = ("light", "dark")
README = {"Curate": "curate.png", "Compare": "compare.png"}


def show(page: Page, title: str) -> None:
    """Go to a page and bring it to what there is to see."""
    go_to(page, title)
    if title == "Compare":
        press = page.get_by_role("button", name="Compare", exact=True)
        if press.count() and press.is_enabled():
            press.click()
    page.wait_for_timeout(2000)  # plots and tables of our own are drawn after the page is
    settled(page, title)


def screenshots(out: Path, *, only: str = "") -> None:
    """Save pictures of the pages, 1280 × 900 pixels.

    Args:
        out: Folder of the pictures.
        only: Title of the one page wanted; empty for all.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, fill_store in STORES.items():
        with TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/store.sqlite"
            with open_store(url) as store:
                fill_store(store)
            own = {"WORKBENCH_HOME": folder, "WORKBENCH_AUTHOR": "eva", "WORKBENCH_OFFLINE": "1"}
            with running_app(url, **own) as app, chromium() as browser, empty_page(browser) as page:
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    page.goto(app.url)
                    for title in titles():
                        if only in ("", title):
                            show(page, title)
                            slug = re.sub(r"\W+", "-", title.lower())
                            page.screenshot(path=out / f"{slug}-{name}-{scheme}.png")


def readme_pictures(database_url: str) -> None:
    """Take the README's pictures of a real store; comparing counts as an access there."""
    with running_app(database_url) as app, chromium() as browser, empty_page(browser) as page:
        page.emulate_media(color_scheme="light")
        page.goto(app.url)
        for title, file in README.items():
            show(page, title)
            page.screenshot(path=DOCS / file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="?", default="", help="title of one page; default all")
    parser.add_argument("--out", type=Path, default=DOCS / "pictures")
    parser.add_argument("--readme", action="store_true", help="those of the README instead")
    given = parser.parse_args()
    if given.readme:
        readme_pictures(read_settings().database_url)
    else:
        screenshots(given.out, only=given.page)

"""Take pictures of the app's pages; docs/compare.png is made by

    python -m tests.browser.screenshot Compare docs/compare.png

over the database that WORKBENCH_DB names, or the demo's.
"""

import argparse
from pathlib import Path

from workbench.settings import read_settings

from .running_app import chromium, empty_page, go_to, running_app, settled


def screenshot(database_url: str, title: str, out: Path, *, whole: bool = False) -> Path:
    """Save a picture of one page, 1280 × 900 pixels.

    Args:
        database_url: SQLAlchemy URL of the database to show.
        title: Title of the page ("Compare").
        out: The PNG file.
        whole: Down to the bottom of the page, however tall.
    """
    with running_app(database_url) as app, chromium() as browser, empty_page(browser) as page:
        page.goto(app.url)
        go_to(page, title)
        if whole:
            height = page.get_by_test_id("stMainBlockContainer").bounding_box()
            page.set_viewport_size({"width": 1280, "height": int(height["height"]) + 80})
            settled(page, title)
        page.screenshot(path=out)
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page")
    parser.add_argument("out", type=Path)
    parser.add_argument("--db", default=read_settings().database_url)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    print(screenshot(given.db, given.page, given.out, whole=given.whole))

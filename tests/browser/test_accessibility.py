"""What every page owes everybody: names, roles, contrast, headings in order, words in full.

axe-core judges each page as it stands with a full database, and its contrast in the dark as well;
tests/app/test_pages.py looks at the headings with an empty one.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.full_database import fill
from tests.cache import own_cache
from workbench.registry import discover
from workbench.store import open_store

from .running_app import chromium, empty_page, go_to, running_app

pytestmark = pytest.mark.browser

AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js")
ALSO = {"heading-order", "page-has-heading-one", "region"}  # moderate, and yet ours to keep
WIDTHS = (1280, 1920)

# Labels that are cut off: what a control says must be read without pointing at it.
CUT_OFF = """() => [...document.querySelectorAll(`button, [role="button"], [role="tab"],
  [data-testid="stPageLink-NavLink"], [data-testid="stMetricLabel"]`)]
  .flatMap(control => [control, ...control.querySelectorAll('p, span, div')])
  .filter(part => part.offsetParent && part.scrollWidth > part.clientWidth + 1
    && getComputedStyle(part).overflowX !== 'visible' && part.innerText.trim())
  .map(part => part.innerText.trim())"""


def titles():
    import workbench.app.pages

    pages = sorted(discover(workbench.app.pages), key=lambda page: page.ORDER)
    return [page.TITLE for page in pages]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A browser that shows an app with something of everything, axe-core beside it."""
    home = tmp_path_factory.mktemp("full")
    url = f"sqlite:///{home / 'store.sqlite'}"
    with open_store(url) as store:
        fill(store)
    surroundings = {"WORKBENCH_HOME": str(home), "WORKBENCH_CACHE": own_cache(home)}
    surroundings |= {"WORKBENCH_AUTHOR": "eva", "WORKBENCH_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (
        running_app(url, **surroundings) as app,
        chromium() as browser,
        empty_page(browser) as opened,
    ):
        opened.emulate_media(color_scheme="light")
        opened.add_init_script(AXE.read_text(encoding="utf-8"))
        opened.goto(app.url)
        yield opened


def test_every_page_passes_axe_core_light_and_dark_and_shows_its_labels_in_full(page):
    faults = []
    for title in titles():
        go_to(page, title)
        faults += [f"{title}: {fault}" for fault in violations(page)]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            faults += [f"{title} at {width} px: {text}" for text in page.evaluate(CUT_OFF)]
        page.emulate_media(color_scheme="dark")
        expect(page.locator(".stApp")).to_have_css("color-scheme", "dark")
        faults += [f"{title}, dark: {fault}" for fault in violations(page, "color-contrast")]
        page.emulate_media(color_scheme="light")
    assert "\n".join(faults) == ""


def violations(page, *rules):
    """What axe-core finds on a page as it stands, by all its rules or these."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    for fault in page.evaluate("options => axe.run(options)", options)["violations"]:
        if fault["impact"] in ("serious", "critical") or fault["id"] in ALSO:
            yield from (f"{fault['id']}: {node['html'][:300]}" for node in fault["nodes"])

"""A login is the author and may do what its role says; without one nobody may do anything."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.ports import free_port
from tests.processes import started
from tests.waiting import wait_until
from workbench.domain.attributes import Attribute
from workbench.store import open_store

from .running_app import empty_page, settled

pytestmark = [pytest.mark.browser, pytest.mark.process]

SECRETS = """[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "{secret}"
client_id = "workbench"
client_secret = "the-client's"
server_metadata_url = "http://127.0.0.1:{provider}/.well-known/openid-configuration"
"""
ROLES = "people: {Ann@lab.org: reviewer, vic@lab.org: viewer}\ndefault: none\n"
PEOPLE = ("ann@lab.org", "vic@lab.org", "eve@lab.org")
COOKIE = "_streamlit_user"


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    """The address of an app with a login, and its store."""
    home, port, provider = tmp_path_factory.mktemp("group"), free_port(), free_port()
    (home / "roles.yaml").write_text(ROLES)
    (home / "secrets.toml").write_text(
        SECRETS.format(port=port, provider=provider, secret=os.urandom(20).hex())
    )
    database = f"sqlite:///{home / 'store.sqlite'}"
    own = {
        "WORKBENCH_HOME": home, "WORKBENCH_DB": database, "WORKBENCH_CACHE": home / "cache",
        "WORKBENCH_ROLES": home / "roles.yaml", "WORKBENCH_SECRETS": home / "secrets.toml",
        "WORKBENCH_OFFLINE": "1", "WORKBENCH_LOG": "json",
    }  # fmt: skip
    claims = [
        word
        for person in PEOPLE
        for word in (
            "--user-claims",
            json.dumps({"sub": person, "email": person, "email_verified": person != "eve@lab.org"}),
        )
    ]
    with ExitStack() as running, open_store(database) as store, (home / "log").open("w") as log:
        store.draft.add("jpeg", Attribute(phrase="blocky edges"), author="setup")
        idp = (sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", provider)
        running.enter_context(started(*idp, *claims, stdout=log, stderr=log))
        command = (sys.executable, "-m", "workbench", "app", "--port", port, "--json")
        surroundings = {**os.environ, **{name: str(value) for name, value in own.items()}}
        app = running.enter_context(
            started(*command, env=surroundings, stdout=subprocess.PIPE, stderr=log)
        )
        yield json.loads(app.stdout.readline())["url"], store, home / "log"


def log_in(page, url, person):
    page.goto(url)
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=sub]").fill(person)
    page.get_by_role("button").first.click()


def rows(store):
    return [(row.attribute, row.row_version) for row in store.draft.rows()]


def judge_first(page, url):
    page.goto(f"{url}/curate")
    settled(page, "Curate")
    expect(page.locator(".row.current")).to_be_focused()
    page.keyboard.press("a")


def test_a_login_is_the_author_and_its_role_says_what_it_may(browser, group):
    url, store, log = group
    before = rows(store)
    with empty_page(browser) as page:
        log_in(page, url, "vic@lab.org")
        expect(page.get_by_text("lab.org · viewer")).to_be_visible()
        judge_first(page, url)
        expect(page.get_by_text("takes the role").first).to_be_visible()
        assert rows(store) == before
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="End session").click()  # at the identity provider
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
    with empty_page(browser) as page:
        log_in(page, url, "ann@lab.org")
        expect(page.get_by_text("lab.org · reviewer")).to_be_visible()
        judge_first(page, url)
        wait_until(lambda: rows(store) != before, "the decision is stored")
        (event,) = store.record.events(limit=1)
        assert (event.author, event.after["status"]) == ("ann@lab.org", "accepted")
        real = {c["name"]: c["value"] for c in page.context.cookies()}[COOKIE]
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    told = {(line.get("event"), line.get("who")) for line in lines}
    assert {("refused", "vic@lab.org"), ("act", "ann@lab.org")} <= told
    assert "code=" not in "".join(line["path"] for line in lines if line["event"] == "request")
    after = rows(store)
    payload, _, rest = real.partition(".")
    forged = f"{payload[:-2]}xx.{rest}"
    with empty_page(browser) as page:
        page.context.add_cookies([{"name": COOKIE, "value": forged, "url": url}])
        page.goto(f"{url}/curate")
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    assert rows(store) == after


def test_an_unverified_address_is_nobody(browser, group):
    url, _, _ = group
    with empty_page(browser) as page:
        log_in(page, url, "eve@lab.org")
        expect(page.get_by_text("could be anybody's")).to_be_visible()
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)

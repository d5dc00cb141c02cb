"""Where `workbench app` may listen: elsewhere than on this machine only with a login."""

import pytest

SECRETS = """[auth]
redirect_uri = "https://workbench.lab/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "workbench"
client_secret = "tell-nobody"
server_metadata_url = "https://login.lab/.well-known/openid-configuration"
"""


@pytest.fixture(autouse=True)
def own_place(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path}/store.sqlite")


@pytest.fixture
def secrets(monkeypatch, tmp_path):
    def write(text):
        (tmp_path / "secrets.toml").write_text(text)
        monkeypatch.setenv("WORKBENCH_SECRETS", str(tmp_path / "secrets.toml"))

    return write


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "workbench.lab"])
def test_another_address_without_a_login_is_one_plain_line(workbench, tmp_path, host):
    status, out, err = workbench("app", "--host", host)
    assert (status, out) == (1, "")
    assert err.startswith(f"workbench: The workbench listens on {host} only with a login")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("found", "instead", "fault"),
    [
        ("https://workbench", "http://workbench", "redirect_uri: is no https address"),
        ("/oauth2callback", "/", "redirect_uri: is no address that ends with /oauth2callback"),
        ("0123456789abcdef0123456789abcdef", "short", "cookie_secret: has fewer than 32"),
        ('client_id = "workbench"\n', "", "client_id: is missing"),
        ("[auth]", "[other]", "client_secret: is missing"),
        ("[auth]", "[auth", "it is not written as"),
    ],
)
def test_a_login_that_cannot_be_safe_starts_nothing(workbench, secrets, found, instead, fault):
    secrets(SECRETS.replace(found, instead))
    status, out, err = workbench("app", "--host", "0.0.0.0")
    assert (status, out) == (1, "")
    assert fault in err
    assert err.count("\n") == 1
    assert "tell-nobody" not in err


def test_a_login_that_is_asked_for_and_not_set_up_starts_nothing(workbench, monkeypatch):
    monkeypatch.setenv("WORKBENCH_LOGIN", "1")
    assert workbench("app")[0] == 1


def test_a_role_that_is_none_and_one_that_may_not_are_one_plain_line(workbench, monkeypatch):
    monkeypatch.setenv("WORKBENCH_ROLE", "boss")
    status, _, err = workbench("attributes", "list")
    assert (status, err) == (
        1,
        "workbench: WORKBENCH_ROLE must be one of viewer, editor, reviewer, admin; got 'boss'.\n",
    )
    monkeypatch.setenv("WORKBENCH_ROLE", "viewer")
    monkeypatch.setenv("WORKBENCH_AUTHOR", "vic")
    status, _, err = workbench("freeze", "-m", "mine")
    assert status == 1
    assert "To freeze a version takes the role reviewer, and vic is a viewer" in err
    assert workbench("versions", "list", "--json")[1] == "[]\n"

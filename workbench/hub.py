"""The network as the environment sets it: whether the hub answers, and how services are asked."""

import ipaddress
import re
import ssl
import threading
import urllib.error
import urllib.request
from functools import cache
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import constants

from workbench.errors import LLMRequestError
from workbench.settings import Settings, environment

if TYPE_CHECKING:
    import httpx2

LIMIT_S = 2.5  # the answer is there within three seconds, whatever the network does
SAMPLE = "timm/vit_base_patch32_clip_224.openai/resolve/main/open_clip_config.json"  # the default

_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy")
_HEADERS = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS")  # the client sends them


def hub_reachable(settings: Settings) -> bool:
    """Return whether the hub answers; asked once per process, known within three seconds.

    Args:
        settings: With `offline` set, nothing is asked and the answer is no.
    """
    return not settings.offline and _asked(f"{constants.ENDPOINT}/{SAMPLE}")


def answers(url: str, *, limit_s: float = LIMIT_S) -> bool:
    """Return whether a URL answers with success within a time limit.

    The limit covers name resolution too, which no socket timeout does: the question is asked in
    a thread that is left behind when time is up.

    Args:
        url: http(s) address; proxies are those of the environment.
        limit_s: Seconds until the answer is no.
    """
    reachable: list[bool] = []
    asking = threading.Thread(target=lambda: reachable.append(_head(url, limit_s)), daemon=True)
    asking.start()
    asking.join(limit_s)
    return bool(reachable) and reachable[0]


def _head(url: str, timeout_s: float) -> bool:
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s):
            return True
    except urllib.error.HTTPError as refusal:  # a proxy that refuses is no hub
        refusal.close()
        return False
    except (OSError, HTTPException, ValueError):
        return False


_asked = cache(answers)


def client_options(url: "httpx2.URL") -> dict[str, Any]:
    """Return the arguments of an HTTP client for an address: proxies and trusted certificates.

    A loopback address is asked without a proxy.

    Raises:
        LLMRequestError: A variable names a proxy or certificates that cannot be used.
    """
    import httpx2

    options: dict[str, Any] = {
        "trust_env": not is_loopback(url.host),
        "verify": _certificates(secure=url.scheme == "https"),
    }
    try:
        httpx2.Client(**options).close()
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        for name, proxy in environment(*_PROXIES).items():
            if fault := _proxy_fault(proxy):
                shown = re.sub(r"//[^/@]*@", "//", proxy)
                raise LLMRequestError(f"{name} is {shown!r}: {fault}.") from error
        raise
    return options


def check_headers() -> None:
    """Refuse variables that a service's client sends as headers and that cannot be sent."""
    for name, value in environment(*_HEADERS).items():
        lines = value.split("\n") if name == "OPENAI_CUSTOM_HEADERS" else [value]
        if not all(line.isascii() and (line.isprintable() or not line) for line in lines):
            raise LLMRequestError(
                f"{name} holds characters that no header has. Correct it, or unset it."
            )


def unreachable(service: str, error: Exception) -> str:
    """Return what to check after a connection to a service failed."""
    causes, cause = "", error.__cause__
    while cause is not None:
        causes, cause = f"{causes} {cause}", cause.__cause__ or cause.__context__
    if "CERTIFICATE_VERIFY_FAILED" in causes:
        return (
            f"The certificate of {service} is not trusted. Set SSL_CERT_FILE to the certificates "
            "of your network; REQUESTS_CA_BUNDLE is not read. Another way to a model:"
        )
    local = is_loopback(service.partition("//")[2].partition("/")[0].rpartition(":")[0])
    check = ", ".join(["the network", *(() if local else environment(*_PROXIES))])
    return f"No language model can be reached at {service}. Check {check} and OPENAI_BASE_URL."


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.0.0.9", "[::1]", "10.0.0.1")]
        [True, True, True, False]
    """
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return re.search(r"(?:^|\.)localhost\.?$", host, re.I) is not None


def _proxy_fault(proxy: str) -> str | None:
    """Return what is wrong with the address of a proxy, and what to do."""
    import httpx2

    try:
        scheme = httpx2.Proxy(proxy if "://" in proxy else f"http://{proxy}").url.scheme
    except (ValueError, httpx2.InvalidURL):
        return (
            "no address of a proxy such as http://proxy:8080 or socks5://proxy:1080. Correct it, "
            "or unset it"
        )
    if scheme.startswith("socks") and find_spec("socksio") is None:
        return "a SOCKS proxy. Run pip install 'attribute-workbench[socks]', or unset it"
    return None


def _certificates(*, secure: bool) -> ssl.SSLContext:
    """Return the trusted certificates: the environment's for an https address."""
    import httpx2

    for name, value in environment("SSL_CERT_FILE", "SSL_CERT_DIR").items() if secure else ():
        try:
            if name == "SSL_CERT_DIR" and not any(Path(value).iterdir()):
                raise FileNotFoundError(2, "the folder is empty")
            return httpx2.create_ssl_context()
        except OSError as error:  # ssl.SSLError is one
            why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise LLMRequestError(
                f"{name} is {value!r}, which cannot be used ({why}). Let it name the certificates "
                "that you trust, or unset it."
            ) from error
    return httpx2.create_ssl_context(trust_env=False)

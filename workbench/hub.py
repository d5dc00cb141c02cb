"""Whether the model hub can be reached, found out once and quickly."""

import threading
import urllib.error
import urllib.request
from functools import cache
from http.client import HTTPException

from huggingface_hub import constants

from workbench.settings import Settings

LIMIT_S = 2.5  # the answer is there within three seconds, whatever the network does
SAMPLE = "timm/vit_base_patch32_clip_224.openai/resolve/main/open_clip_config.json"  # the default


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

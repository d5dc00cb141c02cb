"""What a language model's server may do to its client."""

import json
import socket
from http.server import BaseHTTPRequestHandler

FIVE = [
    "soft edges",
    "pale colours",
    "milky veil over far things",
    "low contrast everywhere",
    "details lost in the distance",
]


def completion(content, **more) -> bytes:
    message = {"role": "assistant", "content": content} | more.pop("message", {})
    document = {
        "id": "x",
        "object": "chat.completion",
        "model": "answering-model",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16},
    }
    return json.dumps(document | more).encode()


def says(content, **more):
    """Answer properly with this content."""
    return sends(completion(content, **more))


def lists(*phrases):
    return says(json.dumps({"attributes": list(phrases)}))


def sends(body: bytes, status: int = 200, **headers: str):
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in {"Content_Type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def by_words(**behaviours):
    """Behave according to which of these words the question holds, whichever comes first."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.body["messages"][-1]["content"].casefold()
        next(some for word, some in behaviours.items() if word in asked)(handler)

    return behave


def by_seed(behaviours):
    """Behave according to the seed of the question, whichever sample comes first."""
    return lambda handler: behaviours[handler.body["seed"]](handler)


def fails(status: int, message: str = "out of order", code: str | None = None, **headers: str):
    body = json.dumps({"error": {"message": message, "code": code}})
    return sends(body.encode(), status, **headers)


def cuts_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise a long body, send its beginning and close the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "x", "choices": [')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def stalls_before_headers(handler) -> None:
    handler.server.over.wait()


def stalls_in_body(handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "x", ')
    handler.wfile.flush()
    handler.server.over.wait()


def drips(handler) -> None:
    """Send a byte now and then: no single read ever times out."""
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    while not handler.server.over.wait(0.1):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def unless(field, words, *, status: int = 400, param=None, only=None):
    """List five phrases unless the request has this field (of this type); then say these words."""
    details = {"detail": words} if isinstance(words, list) else {}
    error = {"error": {"message": words, "param": param}}
    refusal = sends(json.dumps(details or error).encode(), status)

    def behave(handler: BaseHTTPRequestHandler) -> None:
        value = handler.body.get(field)
        refused = value is not None and (only is None or value["type"] == only)
        (refusal if refused else lists(*FIVE))(handler)

    return behave


def thinks(tokens: int, *, where: str = "reasoning_content", most: int = 10**9):
    """Think for so many tokens first, and list five phrases if the budget is larger than that."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        names = ("max_completion_tokens", "max_tokens")
        budget = next(handler.body[name] for name in names if name in handler.body)
        if budget > most:
            fails(400, f"max_tokens is {budget}, over {most}")(handler)
        elif budget > tokens:
            lists(*FIVE)(handler)
        else:
            texts = {
                "reasoning_content": {"content": "", "reasoning_content": "Well, " * 99},
                "content": {"content": "<think>Well, " * 99},
                "prose": {"content": "Let me list five of them. " * 9},
            }
            choice = {"message": texts[where], "finish_reason": "length"}
            says("", choices=[choice])(handler)

    return behave

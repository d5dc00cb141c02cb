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
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
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


def fails(status: int, message: str = "out of order", **headers: str):
    return sends(json.dumps({"error": {"message": message}}).encode(), status, **headers)


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

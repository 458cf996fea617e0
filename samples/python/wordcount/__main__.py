"""Counts the words of a text that is sent to /: curl --data-binary @book.txt localhost:8080"""
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .count import count

LARGEST = 10 << 20


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200, {"send": "a text by POST"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST:
            self.answer(413, {"error": f"at most {LARGEST} bytes"})
            return
        text = self.rfile.read(length).decode("utf-8", "replace")
        self.answer(200, dict(count(text)))

    def answer(self, status: int, body: dict) -> None:
        data = (json.dumps(body, ensure_ascii=False) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    # the first process of a container gets no default action for signals
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()

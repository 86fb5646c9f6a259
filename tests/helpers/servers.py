"""A web server with the addresses of Zenodo and GitHub, and with faults on demand."""

import contextlib
import hashlib
import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class Server:
    """Serves bytes by path, with ranges.

    Attributes:
        files: Path to content.
        faults: Path to the faults of its next requests, one after the other: None, or a dict with
            any of `cut` and `stall` (after so many bytes), `length` (announced), `status` (and
            `headers`), `ignore_range`, `shift` (of the range).
        requests: Path and Range of each request.
    """

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[dict | None]] = defaultdict(list)
        self.requests: list[tuple[str, str | None]] = []
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def add_record(self, number: int, files: dict[str, bytes], **stated) -> None:
        """Adds a Zenodo record; `stated` replaces size or checksum of every file."""
        entries = []
        for name, content in files.items():
            self.files[f"/records/{number}/files/{name}"] = content
            checksum = f"md5:{hashlib.md5(content).hexdigest()}"
            entries.append({"key": name, "size": len(content), "checksum": checksum} | stated)
        self.files[f"/api/records/{number}"] = json.dumps({"files": entries}).encode()


def _handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            path = unquote(self.path)
            server.requests.append((path, self.headers.get("Range")))
            fault = (server.faults[path].pop(0) if server.faults[path] else None) or {}
            content = server.files.get(path)
            if "status" in fault or content is None:
                self.send_response(fault.get("status", 404))
                for name, value in fault.get("headers", {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(content, fault)

        def _send(self, content, fault):
            asked = self.headers.get("Range")
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            if fault.get("ignore_range"):
                start = 0
            start += fault.get("shift", 0)
            self.send_response(206 if start else 200)
            if start:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            body = content[start:]
            length = fault.get("length", len(body))
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            for name in ("cut", "stall"):
                if name in fault:
                    body = body[: fault[name]]
            with contextlib.suppress(ConnectionError):  # the client may close the connection
                self.wfile.write(body)
                self.wfile.flush()
            if "stall" in fault:
                server.closing.wait(20)
            self.close_connection = True

    return Handler

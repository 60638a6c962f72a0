"""A file server on this machine, with the faults that servers and connections have."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Serves `files`; notes the Range header of each request, None where there was none."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        self.tells_length = True
        self.extra_headers: dict[str, str] = {}
        self.answers: list[int] = []  # a status for each of the first requests, in place of the file
        self.cuts: list[int] = []  # the bytes after which each of the first connections breaks
        self.hold: threading.Event | None = None  # what a connection waits for before it breaks

    def url(self, name: str) -> str:
        return f'http://127.0.0.1:{self.server_port}/{name}'


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get('Range')
        server.ranges.append(wanted)
        body = server.files.get(self.path.lstrip('/'))
        if server.answers or body is None:
            self.send_error(server.answers.pop(0) if server.answers else 404)
            return
        begin = int(re.fullmatch(r'bytes=(\d+)-', wanted)[1]) if wanted and server.knows_ranges else 0
        if begin >= len(body):
            self.send_response(416)
            self.send_header('Content-Range', f'bytes */{len(body)}')
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header('Content-Range', f'bytes {begin}-{len(body) - 1}/{len(body)}')
        if server.tells_length:
            self.send_header('Content-Length', str(len(body) - begin))
        for name, value in server.extra_headers.items():
            self.send_header(name, value)
        self.end_headers()
        end = begin + server.cuts.pop(0) if server.cuts else len(body)
        self.wfile.write(body[begin:end])
        if end < len(body) and server.hold:
            server.hold.wait(60)

    def log_message(self, *args: object) -> None:
        pass

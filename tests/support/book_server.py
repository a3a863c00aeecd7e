#!/usr/bin/env python3
"""book_server.py FOLDER [CERTIFICATE]: serves its files on a free port of this machine, with ETags; prints the port. With a
certificate and its key in one file it speaks TLS. `slow` never answers, `drip/NAME` is NAME, a byte every tenth of a second,
`tardy/NAME` NAME at once but nothing beside it, `cut` ends before its length, `huge` never ends,
`moved/NAME` is at NAME, `plain/NAME` at a plain address, `loop` at itself; every request is a line in FOLDER/requests."""
import hashlib, http.server, pathlib, ssl, sys, time

folder = pathlib.Path(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        seen = self.headers.get("If-None-Match", "-")
        with open(folder / "requests", "a") as f:
            f.write(f"{name} {seen}\n")
        if name == "slow" or (name.startswith("tardy/") and name.endswith(".sha256")):
            time.sleep(600)
        drip, tardy = name.startswith("drip/"), name.startswith("tardy/")
        name = name[5 * drip + 6 * tardy:]
        if name == "loop" or name.startswith(("moved/", "plain/")):
            self.send_response(302)
            to = "/loop" if name == "loop" else "/" + name[6:]
            self.send_header("Location", to if name[0] != "p" else f"http://localhost:{self.server.server_port}{to}")
            self.send_header("ETag", '"of the redirection"')
            self.end_headers()
            return
        if name == "huge":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(bytes(1 << 20))
        file = folder / ("book.zip" if name == "cut" else name)
        if not file.is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        tag = '"' + hashlib.md5(content).hexdigest() + '"'
        if seen == tag:
            self.send_response(304)
            self.send_header("ETag", tag)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for byte in content if drip else b"":
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)
        if not drip:
            self.wfile.write(content[: len(content) // 2] if name == "cut" else content)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2])
    server.socket = tls.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()

# SPDX-License-Identifier: MIT
"""A stand-in for a package manager: channels with versions, and programs that resolve and install them as options of upgrade
want them."""
import base64
import hashlib
import http.server
import io
import json
import os
import stat
import tarfile
import threading

from lab import account, process

INSTALL = """#!/bin/sh
# install VERSION PREFIX
. {folder}/hook
echo "$1" >> {folder}/asked
mkdir -p "$2/bin" || exit 1
printf '#!/bin/sh\\nexec env T3STUB_VERSION=%s {stub} "$@"\\n' "$1" > "$2/bin/t3"
chmod 755 "$2/bin/t3"
head -c {bytes} /dev/zero > "$2/ballast"
. {folder}/after
"""


class Registry:
    """registry["latest"] = VERSION publishes it.  hook: shell text that the installer runs first, or "after" all."""

    def __init__(self, **channels):
        self.dir = account.give(process.folder())
        self.installer = os.path.join(self.dir, "install")
        self.write("install", INSTALL.format(folder=self.dir, stub=account.program("tests/lab/t3stub"), bytes=100000))
        os.chmod(self.installer, stat.S_IRWXU | 0o055)
        self.hook("")
        self.hook("", "after")
        for channel, version in channels.items():
            self[channel] = version

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)

    def __setitem__(self, channel, version):
        self.write("channel-" + channel, version + "\n")

    def hook(self, text, when="hook"):
        self.write(when, text + "\n")

    @property
    def asked(self):
        """Versions whose installation was begun, in order."""
        try:
            with open(os.path.join(self.dir, "asked"), encoding="utf-8") as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def options(self):
        return {"resolve": ["cat", f"{self.dir}/channel-%c"], "install": [self.installer, "%v", "%p"]}


def package(version):
    """t3-VERSION.tgz, as npm packs one: its program is the stand-in."""
    program = f'#!/bin/sh\nexec env T3STUB_VERSION={version} {account.program("tests/lab/t3stub")} "$@"\n'
    described = json.dumps({"name": "t3", "version": version, "bin": {"t3": "t3.sh"}})
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in (("package.json", described), ("t3.sh", program)):
            row = tarfile.TarInfo("package/" + name)
            row.size, row.mode = len(text), 0o755
            tar.addfile(row, io.BytesIO(text.encode()))
    return packed.getvalue()


class NpmRegistry:
    """What npm asks a registry for, of the package t3, on loopback.  tags: {CHANNEL: VERSION}."""

    def __init__(self, **tags):
        self.tags = tags
        self.packages = {version: package(version) for version in tags.values()}
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = registry.answer(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        version = path[len("/t3-"):-len(".tgz")]
        if path != "/t3":
            return self.packages.get(version)
        versions = {v: {"name": "t3", "version": v, "bin": {"t3": "t3.sh"},
                        "dist": {"tarball": f"{self.url}t3-{v}.tgz",
                                 "integrity": "sha512-" + base64.b64encode(hashlib.sha512(p).digest()).decode()}}
                    for v, p in self.packages.items()}
        return json.dumps({"name": "t3", "dist-tags": self.tags, "versions": versions}).encode()

    def __enter__(self):
        return self

    def __exit__(self, *more):
        self.server.shutdown()
        self.server.server_close()

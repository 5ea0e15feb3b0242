# SPDX-License-Identifier: MIT
"""An installation as t3opsctl init makes it, in a root of its own, with the real proxy that its snippet is for.

    with Fresh("nginx", "authentik") as f:
        f.get("/", user="alice")

The sign-in is a stand-in that answers as the real one does: whoever has the cookie lab_session=NAME is NAME.
"""
import os
import re
import shutil
import socket
import subprocess
import threading

from lab import account, certs, http, ports, process, wait, ws
from lab.daemon import plugin_dir
from lab.origin import Origin, answer

HOST = "t3.lab.test"
FORWARDS = {"authentik": "X-authentik-username", "oauth2-proxy": "X-Forwarded-Preferred-Username"}
IDENTITY = {"cloudflare-access": "Cf-Access-Authenticated-User-Email", "tailscale": "Tailscale-User-Login"}
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"


def which(program):
    return shutil.which(program, path=_PATH)


def makefile_dir(name):
    """A directory of the installation as make knows it."""
    with open(f"{process.build_dir()}/Makefile", encoding="utf-8") as f:
        values = dict(re.findall(r"(?m)^(\w+) = (.*)$", f.read()))
    value = values[name]
    while "${" in value:
        value = re.sub(r"\$\{(\w+)\}", lambda m: values[m.group(1)], value)
    return value


def signed_in(request):
    """The name in the cookie; "" without one."""
    found = re.search(r"lab_session=([^;]+)", request.header("cookie") or "")
    return found.group(1) if found else ""


class Asked(Origin):
    """A sign-in that the proxy asks: Authentik's outpost, Authelia or oauth2-proxy."""

    def __init__(self):
        start = f"https://{HOST}/outpost.goauthentik.io/start"
        rows = (  # path, header of the name, status if there is one, and if there is none, where to then
            ("/outpost.goauthentik.io/auth/nginx", "X-authentik-username", "200 OK", "401 Unauthorized", None),
            ("/outpost.goauthentik.io/auth/caddy", "X-authentik-username", "200 OK", "302 Found", start),
            ("/outpost.goauthentik.io/auth/traefik", "X-authentik-username", "200 OK", "302 Found", start),
            ("/api/authz/auth-request", "Remote-User", "200 OK", "401 Unauthorized", "https://auth.lab.test/?rd=x"),
            ("/api/authz/forward-auth", "Remote-User", "200 OK", "302 Found", "https://auth.lab.test/?rd=x"),
            ("/oauth2/auth", "X-Auth-Request-Preferred-Username", "202 Accepted", "401 Unauthorized", None),
            ("/", "X-Auth-Request-Preferred-Username", "202 Accepted", "302 Found", "https://auth.lab.test/o"))
        super().__init__({path: self._asked(*rest) for path, *rest in rows})
        self.handlers["/outpost.goauthentik.io/start"] = lambda c, r: c.send(answer(b"sign in"))
        self.handlers["/oauth2/start"] = lambda c, r: c.send(answer(b"sign in"))

    @staticmethod
    def _asked(header, good, bad, location):
        def asked(c, request):
            name = signed_in(request)
            if name:
                c.send(answer(b"", good, [(header, name)]))
            else:
                c.send(answer(b"", bad, [("Location", location)] if location else []))
        return asked


class Through(Origin):
    """A sign-in that sends users on by itself: Authentik's outpost in proxy mode, oauth2-proxy."""

    def __init__(self, header, target):
        super().__init__({})
        self.header, self.target = header, target

    def _one(self, c, number):
        lines = c.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        name = next((m.group(1) for m in re.finditer(r"lab_session=([^;\s]+)", "\n".join(lines))), "")
        if not name:
            c.send(answer(b"", "302 Found", [("Location", "https://auth.lab.test/o")]))
            return True
        kept = [line for line in lines if not line.lower().startswith(self.header.lower() + ":")]
        with socket.create_connection(self.target) as beyond:
            beyond.sendall("\r\n".join([kept[0], f"{self.header}: {name}", *kept[1:], "", ""]).encode("latin-1") + c.buffer)
            back = threading.Thread(target=self._pass, args=(beyond, c.sock), daemon=True)
            back.start()
            self._pass(c.sock, beyond)
            back.join(30)
        return False

    @staticmethod
    def _pass(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def _web_socket(name):
    """The page's WebSocket: says whose server it is, for every message."""
    def handler(c, request):
        key = ws.accept_value(request.header("sec-websocket-key"))
        c.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n".encode())
        while True:
            c.read(2)
            c.send(ws.frame_bytes(ws.TEXT, name, mask=False))
            c.buffer = b""
            c.fill()
    return handler


class Fresh:
    """proxy, sign_in: as the flags of init.  mail: what follows the users' names."""

    def __init__(self, proxy, sign_in, *flags, t3=None):
        """t3: alice's server, a T3Stub; then t3ops runs with all that was written, and she is its only user."""
        self.proxy, self.sign_in, self.t3 = proxy, sign_in, t3
        self.root = process.folder()
        self.mail = "@example.com" if sign_in in IDENTITY else ""
        self.ca = certs.Authority(process.folder())
        self.cert, self.key, self.both = self.ca.issue("front", "DNS:" + HOST)
        self.port, self.listen, self.status = ports.free(3)
        self.servers = {name: Origin({"/who": self._who(name), "/ws": _web_socket(name)}) for name in ("alice", "bob")}
        self.stand_in = self._stand_in()
        self.flags = flags
        self.front = self.daemon = None

    @staticmethod
    def _who(name):
        return lambda c, request: c.send(answer(name.encode()))

    def _stand_in(self):
        if self.sign_in in IDENTITY:
            return None
        if self.proxy in ("haproxy", "cloudflared"):
            return Through(FORWARDS[self.sign_in], ("127.0.0.1", self.listen))
        return Asked()

    # ---- files

    def path(self, name):
        """In the root, below sysconfdir."""
        return f"{self.root}{makefile_dir('sysconfdir')}/{name}"

    def init(self, *more, users=None, stdin=""):
        """(exit status, output, errors) of t3opsctl init."""
        words = {"--host": HOST, "--proxy": self.proxy, "--sign-in": self.sign_in, "--proxy-port": str(self.port),
                 "--listen": f"127.0.0.1:{self.listen}", "--status-listen": f"127.0.0.1:{self.status}",
                 "--account": account.NAME, "--proxy-account": account.PEERS[0], "--ca-file": self.ca.ca,
                 "--certificate": self.both if self.proxy == "haproxy" else self.cert, "--key": self.key,
                 "--users": users or f"alice{self.mail}={account.NAME}" + (f":{self.t3.port}" if self.t3 else ""),
                 "--team": "acme", "--portal": "https://auth.lab.test"}
        if self.stand_in:
            words["--sign-in-url"] = f"http://127.0.0.1:{self.stand_in.port}"
        return init(self.root, *[w for pair in words.items() for w in pair], *self.flags, *more, stdin=stdin)

    def snippet(self, name):
        return self.path(f"t3ops/snippets/{name}")

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    # ---- life

    def start(self):
        status, out, errors = self.init("--yes")
        if status != 0:
            raise AssertionError(f"init: {status}\n{out}{errors}")
        self._daemon_start()
        self.front = getattr(self, "_" + self.proxy)()
        wait.until(lambda: self._answers(), what=f"{self.proxy} answers\n{self.front.log()}")
        return self

    def _without_legs(self, text):
        """No legs to names that are nowhere, and users who have no accounts of their own."""
        with open(self.path("t3ops/users"), "w", encoding="utf-8") as f:
            f.writelines(f"{n}{self.mail}={account.NAME}@127.0.0.1:{o.port}\n" for n, o in self.servers.items())
        return 'trusted_upstreams = {"127.0.0.0/8"}\n' + re.sub(r'(?ms)^plugin "(probe_(cloudflare|internal|dispatch|sso|t3serve)|backup|auto_pair|session_check)" *\{(\}|.*?^\})\n', "",
                      text)

    def _with_t3(self, text):
        """Alice's account has no home here, and times are those of a test."""
        program = self._write("t3", f'#!/bin/sh\nT3STUB_VERSION={self.t3.version} exec {self.t3.program} "$@"\n')
        os.chmod(program, 0o755)
        os.chmod(os.path.dirname(program), 0o755)
        return ('leg_defaults { heartbeat = "1s"  late = "1s"  reconnect_max = "2s" }\n' +
                text.replace('"/bin/true"', f'"{program}"').replace('"%h/.t3"', f'"{self.t3.base}"')
                .replace("    retain = 6\n", f'    retain = 6\n    database = "{self.t3.database}"\n'))

    def _daemon_start(self):
        """t3ops with what was written, whose paths are in the root."""
        text = (self._with_t3 if self.t3 else self._without_legs)(self.text("t3ops/t3ops.conf"))
        for name in ("sysconfdir", "localstatedir", "runstatedir"):
            text = text.replace(f'"{makefile_dir(name)}/', f'"{self.root}{makefile_dir(name)}/')
        os.makedirs(f"{self.root}{makefile_dir('runstatedir')}/t3ops", exist_ok=True)
        state = f"{self.root}{makefile_dir('localstatedir')}/lib/t3ops"
        os.makedirs(state, exist_ok=True)
        account.give(state)
        os.makedirs(f"{self.root}{makefile_dir('localstatedir')}/backups/t3-state", exist_ok=True)
        self.conf = f"{self.root}/started.conf"
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(text)
        self.daemon = process.Process([process.program("core/t3ops"), "-c", self.conf])
        self.daemon.wait_log(r"\bevent=ready\b")

    def _answers(self):
        if not self.front.alive():
            raise AssertionError(self.front.log())
        try:
            return self.get("/probe/healthz").status == 200
        except (OSError, EOFError):
            return False

    def _write(self, name, text):
        path = os.path.join(process.folder(), name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def _nginx(self):
        folder = process.folder()
        temporary = "".join(f"{t}_temp_path {folder}/{t};\n" for t in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if account.ROOT else ""
        conf = self._write("nginx.conf", f"{user}daemon off;\npid {folder}/pid;\nerror_log stderr warn;\nworker_processes 1;\n"
                           f"events {{}}\nhttp {{ access_log off;\n{temporary}include {self.snippet('nginx.conf')};\n}}\n")
        return process.Process([which("nginx"), "-p", folder, "-e", "stderr", "-c", conf])

    def _caddy(self):
        conf = self._write("Caddyfile", "{\n admin off\n auto_https disable_redirects\n}\n"
                           f"import {self.snippet('Caddyfile')}\n")
        home = process.folder()
        return process.Process([which("caddy"), "run", "--adapter", "caddyfile", "--config", conf],
                               env={"HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home})

    def _haproxy(self):
        return process.Process([which("haproxy"), "-db", "-f", self.snippet("haproxy.cfg")])

    def _traefik(self):
        conf = self._write("traefik.yml", f"entryPoints:\n  websecure:\n    address: 127.0.0.1:{self.port}\n"
                           f"providers:\n  file:\n    filename: {self.snippet('traefik.yml')}\n")
        return process.Process([which("traefik"), f"--configFile={conf}"])

    def stop(self):
        for p in (self.front, self.daemon):
            if p:
                p.kill()
        for o in (*self.servers.values(), self.stand_in):
            if o:
                o.stop()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__(True, None, None)
            raise

    def __exit__(self, kind, value, trace):
        for p in (self.front, self.daemon) if kind else ():
            if p:
                p.print_log()
        self.stop()

    # ---- use

    def ctl(self, *words, check=True):
        """(exit status, output) of t3opsctl."""
        control = f"{self.root}{makefile_dir('runstatedir')}/t3ops/control.sock"
        done = subprocess.run([process.program("core/t3opsctl"), "-s", control, *words], capture_output=True, text=True,
                              timeout=120, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"t3opsctl {words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.returncode, done.stdout

    def headers(self, user="", forged=""):
        """Of a browser where user has signed in; forged: whom it says to be in the identity header."""
        named = [(self.identity, forged + self.mail)] if forged else []
        if self.stand_in:
            return ([("Cookie", f"lab_session={user}")] if user else []) + named
        return named + ([(self.identity, user + self.mail)] if user else [])

    @property
    def identity(self):
        return re.search(r'(?m)^identity_header *= "([^"]*)"', self.text("t3ops/t3ops.conf")).group(1)

    @property
    def tls(self):
        return None if self.sign_in == "tailscale" else self.ca.client()

    def get(self, target, source="127.0.0.1", page=False, **who):
        """page: as a browser opens one."""
        navigation = [("Accept", "text/html"), ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate")] if page else []
        with self._connection(source) as c:
            return c.request("GET", target, self.headers(**who) + navigation, host=HOST)

    def _connection(self, source):
        sock = socket.create_connection(("127.0.0.1", self.port), 30, (source, 0))
        return http.Connection.over(self.tls.wrap_socket(sock, server_hostname=HOST) if self.tls else sock)

    def web_socket(self, target, **who):
        return ws.WebSocket(("127.0.0.1", self.port), target, [*self.headers(**who), ("Origin", f"https://{HOST}")], HOST, self.tls)

    def offers_http2_websockets(self):
        """Whether whoever speaks HTTP/2 is told that WebSockets go over it (RFC 8441)."""
        context = self.ca.client()
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", self.port), 30) as raw, context.wrap_socket(raw, server_hostname=HOST) as s:
            s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            return b"\0\x08\0\0\0\x01" in s.recv(4096)


def init(root, *words, stdin=""):
    argv = [process.program("core/t3opsctl"), "init", "--root", root, "--plugin-dir", plugin_dir(), "--daemon",
            process.program("core/t3ops"), "--templates", f"{process.source_dir()}/etc/init", "--t3", "/bin/true", *words]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr

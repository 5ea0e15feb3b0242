# SPDX-License-Identifier: MIT
"""The whole path on one machine, made of real programs:

    user -> relay (last mile) -> haproxy (Cloudflare's edge: TLS, CF-Connecting-IP, CF-Ray)
         -> haproxy (tunnel) -> nginx (Traefik: TLS, identity, SSO wall) -> t3ops -> t3stub

and unbound, which answers the public name over HTTPS.  Each part can be stopped and started again
at its own address.  The identity is the cookie authentik_session=NAME; without it everything but
/probe/ is redirected to the login page, and with wall(True) /probe/ too.

With segments=True there is a relay in each place where a line can be bad:

    users -> (one each) -> edge -> tunnel_line -> tunnel -> traefik_line -> traefik -> dispatch_line -> t3ops
    legs  -> wan_line -> edge;  -> resolver_line -> unbound;  -> inner_line -> traefik
    a leg over a second provider -> wan2_line -> edge;  -> resolver2_line -> unbound

With far=True there is a second location of the edge, CDG; legs and everybody else go over FRA:

    some users -> far_edge -> far_line -> tunnel

What the edge and the tunnel say for a next hop that is gone is what Cloudflare says: 530 and 502.
"""
import os
import shutil
import signal
import socket
import struct
import subprocess

from lab import certs, http, ports, process, wait
from lab.daemon import section
from lab.origin import Origin
from lab.relay import Relay

HOST = "t3.lab.test"
NEEDED = ("haproxy", "nginx", "unbound", "openssl", "curl")
_SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

_DEFAULTS = """
global
    maxconn 2000
defaults
    mode http
    retries 0
    # A connection of its own for every request: none that the next hop is just closing.
    option http-server-close
    timeout connect 2s
    timeout client {idle_ms}ms
    timeout server {idle_ms}ms
    timeout tunnel {tunnel_ms}ms
    errorfile 503 {gone}
    errorfile 504 {gone}
"""
_EDGE = """
frontend edge
    bind 127.0.0.1:{edge} ssl crt {cert} alpn {alpn}
    http-request set-header CF-Connecting-IP %[src]
    http-request set-header CF-Ray %[rand(999999999)]-{colo}
    http-request set-var(txn.ray) req.hdr(CF-Ray)
    http-after-response set-header CF-Ray %[var(txn.ray)]
    http-after-response set-header Server cloudflare
    default_backend tunnel
backend tunnel
    server tunnel 127.0.0.1:{tunnel_line}
"""

_TUNNEL = """
frontend tunnel
    bind 127.0.0.1:{tunnel}
    default_backend traefik
backend traefik
    server traefik 127.0.0.1:{traefik_line} ssl verify required ca-file {ca} sni str({host}) verifyhost {host}
"""

_TRAEFIK = """
{user}daemon off;
pid {dir}/nginx.pid;
worker_processes 1;
worker_shutdown_timeout 1h;
error_log stderr warn;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    client_body_temp_path {dir}/nginx.body;
    proxy_temp_path {dir}/nginx.proxy;
    fastcgi_temp_path {dir}/nginx.fastcgi;
    uwsgi_temp_path {dir}/nginx.uwsgi;
    scgi_temp_path {dir}/nginx.scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    server {{
        listen 127.0.0.1:{traefik} ssl;
        server_name {host};
        ssl_certificate {cert};
        ssl_certificate_key {key};
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_request_buffering off;
        proxy_read_timeout 1h;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header X-authentik-username $cookie_authentik_session;
        location /outpost.goauthentik.io/ {{
            default_type text/html;
            return {sso};
        }}
        {probe}
        location / {{
            if ($cookie_authentik_session = "") {{
                return 302 https://$http_host/outpost.goauthentik.io/start?rd=$request_uri;
            }}
            proxy_pass http://{proxy};
        }}
    }}
}}
"""
_OPEN_PROBE = "location /probe/ {{ proxy_pass http://{proxy}; }}"

_RESOLVER = """
server:
    interface: 127.0.0.1@{resolver}
    https-port: {resolver}
    tls-service-key: "{key}"
    tls-service-pem: "{cert}"
    http-endpoint: "/dns-query"
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{dir}"
    pidfile: ""
    use-syslog: no
    logfile: ""
    num-threads: 1
    access-control: 127.0.0.0/8 allow
    local-zone: "lab.test." static
    local-data: "{host}. 60 IN A {at}"
remote-control:
    control-enable: no
"""


_GONE = """HTTP/1.1 {status}\r
Content-Type: text/plain\r
Content-Length: {length}\r
Cache-Control: no-store\r
Connection: close\r
Server: cloudflare\r
\r
{body}"""


def missing():
    """Programs that the path needs and this machine does not have."""
    return [p for p in NEEDED if not shutil.which(p, path=_SBIN)]


def _query(name):
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
    return struct.pack("!6H", 0, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


class Part:
    """One program of the path, which can go away and come back at its address."""

    def __init__(self, name, argv, port):
        self.name = name
        self.argv = argv
        self.port = port
        self.process = None

    def start(self, limit=30):
        self.process = process.Process(self.argv, self.name)
        try:
            wait.until(self._ready, limit, f"{self.name} listens on port {self.port}")
        except BaseException:
            self.process.print_log()
            raise

    def _ready(self):
        if not self.process.alive():
            raise AssertionError(f"{self.name} ended with {self.process.returncode}")
        return ports.open_(self.port)

    def cut(self):
        """It is gone at once, its connections with it."""
        self.process.kill()

    def stall(self):
        self.process.stall()

    def heal(self):
        if self.process.alive():
            self.process.resume()
        else:
            self.start()


class Path:
    def __init__(self, segments=False, http2=False, factor=1.0, tunnel_idle=3600, far=False):
        """http2: whether the edge offers it to browsers.  factor: of the timeouts of the programs.  tunnel_idle: seconds
        after which the edge ends a WebSocket that is silent (100 at Cloudflare)."""
        self.dir = process.folder()
        self.host = HOST
        self.ca = certs.Authority(self.dir)
        self.tls = self.ca.client()
        self.segments = segments
        self.http2 = http2
        self.factor = factor
        self.far = far
        self.tunnel_idle = tunnel_idle
        self.proxy = None
        self.walled = False
        self.sso_answers = True
        self.relays = []
        self.lines = {}
        self.edge = self.tunnel = self.traefik = self.resolver = self.far_edge = self.other = None
        self._issue()

    def _issue(self, edge_days=2, traefik_days=2):
        self.cert, self.key, self.both = self.ca.issue("edge", "DNS:" + HOST, days=edge_days)
        self.inner_cert, self.inner_key, _ = self.ca.issue("traefik", "DNS:" + HOST, days=traefik_days)
        if not self.resolver:
            self.resolver_cert, self.resolver_key, _ = self.ca.issue("resolver", "IP:127.0.0.1")

    def expire(self, name, expired=True):
        """The edge or Traefik starts again, with a certificate that expired yesterday, or with a good one."""
        self._issue(**{name + "_days": -1 if expired else 2})
        part = getattr(self, name)
        part.cut()
        part.start()

    # ---- files

    def _write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii", newline="") as f:
            f.write(text)
        return path

    def _defaults(self, name, status):
        """The head of a haproxy's file."""
        gone = self._write(name + ".gone", _GONE.format(status=status, body="error: " + status, length=len(status) + 7))
        return _DEFAULTS.format(gone=gone, idle_ms=int(60000 * self.factor),
                                tunnel_ms=int(self.tunnel_idle * 1000 * self.factor))

    def _traefik_text(self):
        proxy = "%s:%d" % (self.lines["dispatch_line"].address if self.segments else self.proxy)
        return _TRAEFIK.format(user="user root;\n" if os.geteuid() == 0 else "", dir=self.dir, host=HOST, proxy=proxy,
                               traefik=self.ports["traefik"], cert=self.inner_cert, key=self.inner_key,
                               sso='200 "<title>Sign in</title>"' if self.sso_answers else "502",
                               probe="" if self.walled else _OPEN_PROBE.format(proxy=proxy))

    def _lines_make(self):
        """A relay before each part, or the part itself."""
        for name, part in (("wan_line", "edge"), ("tunnel_line", "tunnel"), ("traefik_line", "traefik"),
                           ("inner_line", "traefik"), ("resolver_line", "resolver"), ("wan2_line", "edge"),
                           ("resolver2_line", "resolver"), *([("far_line", "tunnel")] if self.far else [])):
            self.ports[name] = self.ports[part]
            if self.segments:
                self.lines[name] = Relay(("127.0.0.1", self.ports[part]), name, distant=part in ("edge", "resolver"))
                self.relays.append(self.lines[name])
                self.ports[name] = self.lines[name].address[1]

    def _edge_write(self, name, colo, where):
        """The file of a location's haproxy; where: the ports that it listens at and sends to."""
        return self._write(name + ".cfg", self._defaults(name, "530 Origin DNS error") + _EDGE.format(
            cert=self.both, alpn="h2,http/1.1" if self.http2 else "http/1.1", colo=colo, **where))

    def _resolver_write(self, at="127.0.0.1"):
        return self._write("unbound.conf", _RESOLVER.format(dir=self.dir, host=HOST, key=self.resolver_key,
                                                            cert=self.resolver_cert, at=at, **self.ports))

    def name_at(self, address):
        """The public name leads there from now on."""
        self._resolver_write(address)
        self.resolver.cut()
        self.resolver.start()

    def stranger(self, there):
        """At 127.0.0.98 a server answers, which knows nothing of TLS."""
        if there:
            self.other = Origin(port=self.ports["wan_line"], host="127.0.0.98")
        else:
            self.other.stop()

    def _parts_make(self):
        """Chooses ports, writes the files; the parts are not started."""
        names = ("edge", "tunnel", "traefik", "resolver") + (("far_edge",) if self.far else ())
        self.ports = dict(zip(names, ports.free(len(names))))
        self._lines_make()
        edge = self._edge_write("edge", "FRA", self.ports)
        tunnel = self._write("tunnel.cfg", self._defaults("tunnel", "502 Bad Gateway") +
                             _TUNNEL.format(ca=self.ca.ca, host=HOST, **self.ports))
        resolver = self._resolver_write()
        nginx = os.path.join(self.dir, "nginx.conf")
        which = lambda p: shutil.which(p, path=_SBIN)  # noqa: E731
        self.edge = Part("edge", [which("haproxy"), "-db", "-f", edge], self.ports["edge"])
        if self.far:
            far = self._edge_write("far_edge", "CDG", {"edge": self.ports["far_edge"], "tunnel_line": self.ports["far_line"]})
            self.far_edge = Part("far_edge", [which("haproxy"), "-db", "-f", far], self.ports["far_edge"])
        self.tunnel = Part("tunnel", [which("haproxy"), "-db", "-f", tunnel], self.ports["tunnel"])
        self.traefik = Part("traefik", [which("nginx"), "-p", self.dir, "-e", "stderr", "-c", nginx], self.ports["traefik"])
        self.resolver = Part("resolver", [which("unbound"), "-d", "-c", resolver], self.ports["resolver"])

    # ---- life

    def start(self, tries=3):
        """Edge, tunnel and resolver; Traefik follows in connect()."""
        for left in range(tries, 0, -1):
            self._parts_make()
            try:
                for part in (self.edge, self.far_edge, self.tunnel, self.resolver):
                    if part:
                        part.start()
                return self
            except AssertionError:
                self._parts_kill()
                self._lines_close()
                if left == 1:
                    raise
        return self

    def connect(self, proxy):
        """Starts Traefik before the t3ops (or anything else) at that address."""
        self.proxy = proxy
        if self.segments:
            self.lines["dispatch_line"] = Relay(proxy, "dispatch_line")
            self.relays.append(self.lines["dispatch_line"])
        self._write("nginx.conf", self._traefik_text())
        self.traefik.start()

    def wall(self, over_probe):
        """Moves the SSO wall over /probe/, or away again: for new connections."""
        self.walled = over_probe
        self._traefik_reload()

    def sso(self, answers):
        """Whether the sign-in page answers; what is signed in goes on either way."""
        self.sso_answers = answers
        self._traefik_reload()

    def _traefik_reload(self):
        self._write("nginx.conf", self._traefik_text())
        before = self._nginx_workers()
        self.traefik.process.send_signal(signal.SIGHUP)
        wait.until(lambda: len(now := self._nginx_workers()) == 1 and not now & before, what="nginx has reloaded")

    def _nginx_workers(self):
        """Pids of the workers that accept; one that only ends its connections says so in its title."""
        workers = set()
        with open(f"/proc/{self.traefik.process.pid}/task/{self.traefik.process.pid}/children", encoding="ascii") as f:
            for pid in f.read().split():
                try:
                    with open(f"/proc/{pid}/cmdline", encoding="ascii", errors="replace") as title:
                        words = title.read()
                except FileNotFoundError:
                    continue
                if "worker process" in words and "shutting down" not in words:
                    workers.add(pid)
        return workers

    def last_mile(self, name="last mile", source=None, far=False):
        """A line of one user's own to the edge; source: the address the edge sees; far: over its second location."""
        relay = Relay(("127.0.0.1", self.ports["far_edge" if far else "edge"]), name, source, distant=True)
        self.relays.append(relay)
        return relay

    def _parts_kill(self):
        for part in (self.edge, self.far_edge, self.tunnel, self.traefik, self.resolver):
            if part and part.process:
                part.process.kill()

    def _lines_close(self):
        for relay in self.relays:
            relay.close()
        self.relays, self.lines = [], {}

    def stop(self):
        self._lines_close()
        self._parts_kill()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind and not issubclass(kind, (SystemExit, KeyboardInterrupt)):
            for part in (self.edge, self.far_edge, self.tunnel, self.traefik, self.resolver):
                if part and part.process:
                    part.process.print_log()
        self.stop()

    # ---- use

    @property
    def edge_address(self):
        return "127.0.0.1", self.ports["edge"]

    @property
    def url(self):
        return f"https://{HOST}:{self.ports['edge']}"

    def get(self, target, headers=(), address=None):
        """From outside, through the edge."""
        return http.get(address or self.edge_address, target, headers, host=HOST, tls=self.tls)

    def browser_tls(self, http2):
        """A TLS context that offers what such a browser does."""
        context = self.ca.client()
        context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
        return context

    def resolve(self):
        """The public name's address, asked over HTTPS (RFC 8484)."""
        # curl, because unbound speaks nothing but HTTP/2 here.
        done = subprocess.run(["curl", "-sSf", "--cacert", self.ca.ca, "-H", "Content-Type: application/dns-message",
                               "--data-binary", "@-", f"https://127.0.0.1:{self.ports['resolver']}/dns-query"],
                              input=_query(HOST), capture_output=True, timeout=30, check=True)
        return socket.inet_ntoa(done.stdout[-4:])

    def _public_leg(self, uplink, timing):
        """Options of probe_cloudflare over that uplink: wan or wan2."""
        return {"url": f"wss://{HOST}:{self.ports[uplink + '_line']}/probe/ws",
                "resolver": f"https://127.0.0.1:{self.ports[uplink.replace('wan', 'resolver') + '_line']}/dns-query",
                "ca_file": self.ca.ca, "segments": [uplink, "cloudflare", "tunnel", "traefik", "dispatch"], **timing}

    def second_isp(self, **timing):
        """One more leg, over a second provider."""
        return section("plugin", "second_isp", {"module": "probe_cloudflare", **self._public_leg("wan2", timing)})

    def sign_in(self, **timing):
        """One more leg, through the sign-in, which is Traefik's here."""
        url = f"https://{HOST}:{self.ports['inner_line']}"
        return section("plugin", "probe_sso", {
            "url": url + "/", "location": f"https://{HOST}:*/outpost.goauthentik.io/*", "ca_file": self.ca.ca,
            "address": f"127.0.0.1:{self.ports['inner_line']}", "segments": ["traefik", "sso"], **timing})

    def leg_sections(self, **timing):
        """The three legs of t3ops.conf over this path; timing: heartbeat, watchdog, ..."""
        public = f"wss://{HOST}:{self.ports['wan_line']}/probe/ws"
        cloudflare = self._public_leg("wan", timing)
        internal = {"url": public, "address": f"127.0.0.1:{self.ports['inner_line']}", "ca_file": self.ca.ca,
                    "segments": ["traefik", "dispatch"], **timing}
        return (section("plugin", "probe_cloudflare", cloudflare) + section("plugin", "probe_internal", internal) +
                section("plugin", "probe_t3serve", timing))

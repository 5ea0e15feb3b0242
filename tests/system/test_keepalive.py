#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Connections between two requests: a reload or an upgrade takes no request from a client that keeps them."""
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from lab import http, ports, wait
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.process import Process, folder as folder_new

ALICE = [("X-authentik-username", "alice")]
ROUNDS = 10

NODE = """
const http = require('http');
const port = Number(process.argv[process.argv.length - 1]);
const agent = new http.Agent({keepAlive: true, maxSockets: 8});
let sent = 0, over = false;
function post() {
  if (over) return;
  const r = http.request({port, host: '127.0.0.1', method: 'POST', path: '/post', agent,
                          headers: {'X-authentik-username': 'alice', 'Content-Length': 4}}, a => {
    a.resume();
    a.on('end', () => { if (a.statusCode !== 200) console.log('lost status', a.statusCode); sent++;
                        setTimeout(post, Math.random() * 20); });
  });
  r.on('error', e => { console.log('lost', e.code); setTimeout(post, 1); });
  r.end('data');
}
for (let i = 0; i < 8; i++) post();
process.stdin.on('end', () => { over = true; setTimeout(() => { console.log('sent', sent); process.exit(0); }, 500); });
process.stdin.resume();
"""


class Poster(threading.Thread):
    """POSTs over one connection, as a pool does: it looks for the end of an idle connection before it uses it, and does
    not send a request again that it has sent."""
    def __init__(self, address, pause):
        super().__init__(daemon=True)
        self.address, self.pause = address, pause
        self.sent, self.connects, self.lost, self.over = 0, 0, [], False
        self.start()

    def connect(self):
        self.connects += 1
        c = socket.create_connection(self.address)
        c.settimeout(60)
        return c

    def is_open(self, c):
        c.setblocking(False)
        try:
            return c.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        finally:
            c.settimeout(60)

    def run(self):
        c = self.connect()
        while not self.over:
            time.sleep(self.pause)
            if not self.is_open(c):
                c.close()
                c = self.connect()
            try:
                c.sendall(http.build("POST", "/post", [*ALICE, ("Content-Length", "4")], b"data"))
                head = b""
                while b"\r\n\r\n" not in head:
                    more = c.recv(4096)
                    if not more:
                        raise ConnectionError("no response")
                    head += more
                self.sent += 1
            except OSError as e:
                self.lost.append(repr(e))
                head = b"connection: close"
            if b"connection: close" in head.lower():
                c.close()
                c = self.connect()
        c.close()


class Keepalive(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/post": lambda c, _: c.send(answer(b"fine"))})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info"}, 'plugin "probe_echo" {}\n', users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def replace(self, number):
        mark = len(self.daemon.log())
        if number % 2:
            self.daemon.process.send_signal(signal.SIGUSR2)
            self.daemon.wait_log("event=upgraded", after=mark)
        else:
            self.daemon.options["header_timeout"] = f"{10 + number}s"
            self.daemon.write_conf()
            self.assertIn("event=reloaded", self.daemon.reload())
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")

    def test_an_idle_connection_goes_on_in_the_next_proxy(self):
        with http.Connection(self.daemon.proxy) as used, http.Connection(self.daemon.proxy) as unused:
            self.assertEqual(used.request("GET", "/post", ALICE).status, 200)
            for number in range(4):
                self.replace(number)
                self.assertEqual(used.request("GET", "/post", ALICE).status, 200)
            self.assertEqual(self.daemon.metrics()["t3ops_client_connections"], 2)
            self.assertEqual(unused.request("GET", "/post", ALICE).status, 200)
        wait.until(lambda: self.daemon.metrics()["t3ops_client_connections"] == 0, what="the connections to end")

    def test_no_post_is_lost(self):
        posters = [Poster(self.daemon.proxy, pause) for pause in (0, 0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2)]
        for number in range(ROUNDS):
            heard = [p.sent for p in posters]
            self.replace(number)
            wait.until(lambda h=heard: all(p.sent > n or p.lost for p, n in zip(posters, h)), what="every client to go on")
        for p in posters:
            p.over = True
        for p in posters:
            p.join(60)
        self.assertEqual([p.lost for p in posters], [[]] * len(posters))
        self.assertEqual(len(self.origin.requests("/post")), sum(p.sent for p in posters), "each was served once")

    def test_no_post_of_node_is_lost(self):
        node = shutil.which("node")
        if not node:
            self.skipTest("there is no node")
        client = subprocess.Popen([node, "-e", NODE, "--", str(self.daemon.proxy[1])], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        self.addCleanup(client.kill)
        for number in range(ROUNDS):
            before = len(self.origin.requests("/post"))
            self.replace(number)
            wait.until(lambda n=before: len(self.origin.requests("/post")) > n + 8, what="the client to go on")
        out, _ = client.communicate("", timeout=60)
        self.assertRegex(out, r"\Asent \d+\n\Z")

    def test_no_post_through_nginx_is_lost(self):
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if not nginx:
            self.skipTest("there is no nginx")
        folder = Path(folder_new())
        port = ports.free()
        (folder / "conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log stderr error;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream t3ops {{ server 127.0.0.1:{self.daemon.proxy[1]}; keepalive 16; keepalive_timeout 90s; }}
  server {{ listen 127.0.0.1:{port};
    location / {{ proxy_pass http://t3ops; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_next_upstream off; }} }}
}}
""")
        proxy = Process([nginx, "-c", str(folder / "conf"), "-p", str(folder)], "nginx")
        self.addCleanup(proxy.kill)
        wait.until(lambda: ports.open_(port), what="nginx")
        posters = [Poster(("127.0.0.1", port), pause) for pause in (0, 0.001, 0.003, 0.01, 0.1)]
        for number in range(ROUNDS):
            heard = [p.sent for p in posters]
            self.replace(number)
            wait.until(lambda h=heard: all(p.sent > n or p.lost for p, n in zip(posters, h)), what="every client to go on")
        for p in posters:
            p.over = True
        for p in posters:
            p.join(60)
        self.assertEqual([p.lost for p in posters], [[]] * len(posters))
        self.assertEqual(proxy.log(), "")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Clients that keep their connections between two POSTs, and never send a request again that they have sent."""
import functools
import os
import shutil
import socket
import subprocess
import threading
import time

from lab import http, ports, process, wait

ALICE = [("X-authentik-username", "alice")]

NODE = """
const http = require('http');
const [port, pause] = process.argv.slice(-2).map(Number);
const agent = new http.Agent({keepAlive: true, maxSockets: 8});
let sent = 0, over = false;
function post() {
  if (over) return;
  const r = http.request({port, host: '127.0.0.1', method: 'POST', path: '/post', agent,
                          headers: {'X-authentik-username': 'alice', 'Content-Length': 4}}, a => {
    a.resume();
    a.on('end', () => { if (a.statusCode !== 200) console.log('lost status', a.statusCode); sent++;
                        setTimeout(post, Math.random() * pause); });
  });
  r.on('error', e => { console.log('lost', e.code); setTimeout(post, 1); });
  r.end('data');
}
for (let i = 0; i < 8; i++) post();
process.stdin.on('end', () => { over = true; setTimeout(() => { console.log('sent', sent); process.exit(0); }, 500); });
process.stdin.resume();
"""


GO = """
package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	pause, _ := strconv.ParseFloat(os.Args[2], 64)
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 8, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second}}
	var sent, over int64
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func(own *rand.Rand) {
			defer all.Done()
			for atomic.LoadInt64(&over) == 0 {
				r, _ := http.NewRequest("POST", "http://127.0.0.1:"+os.Args[1]+"/post", io.NopCloser(bytes.NewReader([]byte("data"))))
				r.ContentLength = 4
				r.Header.Set("X-authentik-username", "alice")
				a, err := client.Do(r)
				if err != nil {
					fmt.Println("lost", err)
					time.Sleep(time.Millisecond)
					continue
				}
				io.Copy(io.Discard, a.Body)
				a.Body.Close()
				if a.StatusCode != 200 {
					fmt.Println("lost status", a.StatusCode)
				}
				atomic.AddInt64(&sent, 1)
				time.Sleep(time.Duration(own.Float64() * pause * float64(time.Millisecond)))
			}
		}(rand.New(rand.NewSource(int64(i))))
	}
	io.ReadAll(os.Stdin)
	atomic.StoreInt64(&over, 1)
	all.Wait()
	fmt.Println("sent", sent)
}
"""


class Poster(threading.Thread):
    """POSTs over one connection, as a pool does: it looks for the end of an idle connection before it uses it, and does
    not send a request again that it has sent."""

    def __init__(self, address, pause):
        super().__init__(daemon=True)
        self.address, self.pause = address, pause
        self.sent, self.lost, self.over = 0, [], False
        self.start()

    def connect(self):
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
                if not head.startswith(b"HTTP/1.1 200"):
                    raise ConnectionError(head.split(b"\r\n")[0])
                self.sent += 1
            except OSError as e:
                self.lost.append(repr(e))
                head = b"connection: close"
            if b"connection: close" in head.lower():
                c.close()
                c = self.connect()
        c.close()


class NodePoster:
    """The same by eight connections of Node's own agent."""

    def __init__(self, address, pause_ms):
        self.child = subprocess.Popen([shutil.which("node"), "-e", NODE, "--", str(address[1]), str(pause_ms)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def is_there():
        return shutil.which("node") is not None

    def end(self):
        """What it says: "sent N", after a line for each that was lost."""
        return self.child.communicate("", timeout=60)[0]

    def kill(self):
        self.child.kill()
        self.child.wait()


class GoPoster(NodePoster):
    """The same by the pool of Go's net/http, which keeps an idle connection for 90 s.  Its body cannot be had a second time,
    so Go sends nothing again that it has begun to send."""

    def __init__(self, address, pause_ms):
        self.child = subprocess.Popen([self.program(), str(address[1]), str(pause_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    @functools.cache
    def program():
        folder = process.folder()
        with open(f"{folder}/poster.go", "w", encoding="ascii") as f:
            f.write(GO)
        subprocess.run(["go", "build", "-o", f"{folder}/poster", f"{folder}/poster.go"], check=True, timeout=600,
                       env={**os.environ, "GOCACHE": f"{folder}/cache", "GO111MODULE": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"})
        return f"{folder}/poster"

    @staticmethod
    def is_there():
        return shutil.which("go") is not None


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr error;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream t3ops {{ server 127.0.0.1:{t3ops}; keepalive 16; keepalive_timeout 90s; }}
  server {{ listen 127.0.0.1:{port};
    location / {{ proxy_pass http://t3ops; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_next_upstream off; }} }}
}}
"""


class Nginx:
    """nginx in front, which keeps connections to t3ops; what it logs are errors."""

    def __init__(self, address):
        folder, self.port = process.folder(), ports.free()
        with open(f"{folder}/conf", "w", encoding="ascii") as f:
            f.write(NGINX.format(folder=folder, t3ops=address[1], port=self.port))
        self.process = process.Process([self.path(), "-c", f"{folder}/conf", "-p", folder], "nginx")
        wait.until(lambda: ports.open_(self.port), what="nginx")

    @staticmethod
    def path():
        return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")

    @property
    def address(self):
        return "127.0.0.1", self.port

    def log(self):
        return self.process.log()

    def kill(self):
        self.process.kill()

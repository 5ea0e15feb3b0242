# SPDX-License-Identifier: MIT
"""The contenders of the benchmark: how each is configured, started and ended."""
import http.client
import getpass
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

BUILD = Path(os.environ.get("T3OPS_BUILD", "."))
IDENTITY = ("X-authentik-username", "alice")
# Every tunnel costs a proxy two descriptors.
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
CONNECTIONS = min(40000, DESCRIPTORS - 500)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port, path):
    try:
        peer = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        peer.request("GET", path, headers=dict([IDENTITY]))
        return peer.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


class Bare:
    """No proxy at all: the floor."""
    name = "backend"

    def __init__(self, process, port):
        self.process, self.port = process, port

    def tcp(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        pass

    def stop(self):
        pass


class Proxy:
    workers = 1
    ready = "/small"
    environment = {}
    unix = False  # whether it reaches the backend at its Unix socket, and listens at one, too

    def __init__(self, folder, backend_port):
        self.folder, self.backend, self.port = Path(folder) / self.name, backend_port, free_port()
        self.socket, self.own_socket = Path(folder) / "backend.sock", Path(folder) / f"{self.name}.sock"
        self.process = None

    def tcp(self):
        return f"127.0.0.1:{self.port}"

    def nearest(self):
        """Where whoever need not come over TCP reaches it."""
        return str(self.own_socket) if self.unix else self.tcp()

    def start(self):
        self.folder.mkdir()
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        env={**os.environ, **self.environment},
                                        stderr=open(self.folder / "log", "w"))
        for _ in range(500):
            if self.process.poll() is not None:
                break
            if answers(self.port, self.ready):
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} does not answer: " + (self.folder / "log").read_text()[-2000:])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class T3ops(Proxy):
    name = "t3ops"
    plugins = 'plugin "probe_echo" {}'

    def command(self):
        users, conf = self.folder / "users", self.folder / "t3ops.conf"
        target = f"unix:{self.socket}" if self.unix else f"127.0.0.1:{self.backend}"
        users.write_text(f"{IDENTITY[1]}={getpass.getuser()}@{target}\n")
        conf.write_text(f'''
listen = {{"{self.tcp()}"{f', "unix:{self.own_socket}"' if self.unix else ''}}}
status_listen = "127.0.0.1:0"
control = "{self.folder}/control.sock"
state_dir = "{self.folder}"
users = "{users}"
trusted_proxies = {{"127.0.0.0/8"}}
trusted_local_users = {{"{os.getuid()}"}}
plugin_dir = "{BUILD}/plugins/modules"
user = "{'nobody' if os.geteuid() == 0 else ''}"
log_level = "warning"
max_tunnels_per_user = 0
max_connections = {CONNECTIONS // 2 - 100}
workers = {self.workers}
{self.plugins}
''')
        if os.geteuid() == 0:
            os.chmod(self.folder, 0o777)
        return [str(BUILD / "core" / "t3ops"), "-c", str(conf)]


class T3opsChecked(T3ops):
    """Asks the t3 server about the session on every single navigation."""
    name = "t3ops-checked"
    plugins = '''command "mint" { argv = {"/bin/false"} }
plugin "session_check" { trust = "0s" }
plugin "auto_pair" {}'''


class T3opsUnix(T3ops):
    name = "t3ops-unix"
    unix = True


class T3opsProbe(T3ops):
    """As many messages as one likes, which the shipped limits do not allow."""
    name = "t3ops-probe"
    plugins = 'plugin "probe_echo" { rate = 65536 connections = 65536 per_address = 0 idle = "10m" }'


class NodeProbe(Proxy):
    """The same with the usual library of Node."""
    name = "node-probe"
    ready = "/probe/ws"
    environment = {"NODE_PATH": "/usr/share/nodejs"}

    def command(self):
        return ["node", str(Path(__file__).parent / "echo_server.cjs"), str(self.port)]


class T3opsTwo(T3ops):
    name = "t3ops-2"
    workers = 2


class Nginx(Proxy):
    name = "nginx"
    buffers = check = ""

    def server(self):
        return f"unix:{self.socket}" if self.unix else f"127.0.0.1:{self.backend}"

    def command(self):
        conf = self.folder / "nginx.conf"
        conf.write_text(f'''
daemon off; pid {self.folder}/pid; error_log stderr error;
worker_processes {self.workers}; worker_rlimit_nofile {DESCRIPTORS};
events {{ worker_connections {CONNECTIONS}; }}
http {{
  access_log off; client_max_body_size 0; keepalive_requests 100000000;
  client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p; fastcgi_temp_path {self.folder}/f;
  uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
  map $http_upgrade $conn {{ default upgrade; '' ''; }}
  upstream backend {{ server {self.server()}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen {self.tcp()} backlog=4096{' reuseport' if self.workers > 1 else ''};
    {f'listen unix:{self.own_socket} backlog=4096;' if self.unix else ''}
    proxy_http_version 1.1; proxy_set_header Connection $conn;
    location / {{
      {self.check}
      proxy_pass http://backend; proxy_request_buffering off; proxy_max_temp_file_size 0; {self.buffers}
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $conn; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_read_timeout 600s;
    }}
    location = /api/auth/session {{ internal; proxy_pass http://backend; proxy_pass_request_body off; }}
  }}
}}
''')
        return ["nginx", "-c", str(conf), "-p", str(self.folder)]


class NginxUnix(Nginx):
    name = "nginx-unix"
    unix = True


class NginxTcp(Nginx):
    """Beside the two of the case with Unix sockets."""
    name = "nginx-tcp"


class NginxBig(Nginx):
    """nginx with buffers as large as ours: its default of 16 KiB would flatter us."""
    name = "nginx-256k"
    buffers = ("proxy_buffer_size 256k; proxy_buffers 4 256k; proxy_busy_buffers_size 512k; "
               "client_body_buffer_size 256k;")


class NginxChecked(Nginx):
    """auth_request looks at the status of the answer only; t3ops reads what it says."""
    name = "nginx-checked"
    check = "auth_request /api/auth/session;"


class NginxTwo(Nginx):
    name = "nginx-2"
    workers = 2


class Haproxy(Proxy):
    name = "haproxy"

    def command(self):
        conf = self.folder / "haproxy.cfg"
        conf.write_text(f'''
global
  nbthread {self.workers}
  maxconn {CONNECTIONS // 2 - 100}
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:{self.port} backlog 4096
  default_backend b
backend b
  option forwardfor
  server s 127.0.0.1:{self.backend}
''')
        return ["haproxy", "-db", "-f", str(conf)]


ALL = {kind.name: kind for kind in (T3ops, T3opsChecked, T3opsProbe, T3opsTwo, T3opsUnix, Nginx, NginxBig, NginxChecked,
                                    NginxTcp, NginxTwo, NginxUnix, Haproxy, NodeProbe)}

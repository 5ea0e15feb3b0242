# SPDX-License-Identifier: MIT
"""nginx between browser and t3ops, as operators run it: it signs users in (the test names them in X-Test-User), and
forwards to t3ops.

    with edge.Nginx(d.proxy, server="proxy_cache keep;", http="proxy_cache_path FOLDER/cache keys_zone=keep:1m;") as e:
        http.get(e.address, "/", {"X-Test-User": "alice"})
"""
import re
import shutil
import unittest

from lab import account, ports, process, wait

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

CONF = """
USER daemon off; pid FOLDER/pid; error_log stderr error; worker_processes 1;
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p; fastcgi_temp_path FOLDER/f;
  uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  map $http_upgrade $conn { default upgrade; '' ''; }
  HTTP
  server {
    listen 127.0.0.1:PORT;
    location / {
      proxy_pass http://UPSTREAM; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $conn; proxy_set_header X-authentik-username $http_x_test_user;
      SERVER
    }
  }
}
"""


def needs_nginx(test):
    return unittest.skipUnless(NGINX, "nginx is not installed")(test)


class Nginx:
    def __init__(self, upstream, server="", http=""):
        """upstream: an address, or the path of a Unix socket.  server, http: further lines of location and http."""
        folder, port = process.folder(), ports.free()
        self.address = ("127.0.0.1", port)
        words = {"USER": "user root;" if account.ROOT else "", "FOLDER": folder, "PORT": str(port), "HTTP": http, "SERVER": server,
                 "UPSTREAM": f"unix:{upstream}:" if isinstance(upstream, str) else "%s:%d" % upstream}
        text = CONF
        for word in ("HTTP", "SERVER", "USER", "FOLDER", "UPSTREAM", "PORT"):
            text = re.sub(rf"\b{word}\b", words[word], text)
        path = f"{folder}/nginx.conf"
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        self.process = process.Process([NGINX, "-p", folder, "-e", "stderr", "-c", path], "nginx")
        wait.until(lambda: ports.open_(port) or not self.process.alive(), what="nginx to listen")
        if not self.process.alive():
            raise AssertionError(f"nginx ended:\n{self.process.log()}")

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A socket unit listens for t3ops: nobody is refused before the first start and between two of them.  And what else a
service manager provides: credentials, and a watchdog for the supervisor."""
import functools
import os
import signal
import socket
import subprocess
import threading
import unittest

from lab import account, http, process, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin
from lab.service import Service
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]


def listening(address=("127.0.0.1", 0)):
    s = socket.create_server(address)
    s.set_inheritable(False)
    return s


class Case(unittest.TestCase):
    def start(self, options=None, start=True, **service):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon(options or {}, ECHO, users={"alice": self.origin.port}, start=start,
                             service=functools.partial(Service, **service))
        self.addCleanup(lambda: self.daemon.process and self.daemon.stop())


class SocketUnit(Case):
    def setUp(self):
        self.unit = listening()
        self.addCleanup(self.unit.close)
        self.address = self.unit.getsockname()

    def begin(self, **more):
        self.start({"listen": [f"127.0.0.1:{self.address[1]}"], **more}, start=False, sockets=[self.unit])

    def ask_early(self):
        """A request that comes now; its status when there is one."""
        found = []
        client = socket.create_connection(self.address)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")

        def read():
            with client:
                client.settimeout(60)
                found.append(client.makefile("rb").readline())
        thread = threading.Thread(target=read)
        thread.start()
        return lambda: (thread.join(60), found[0])[1]

    def test_nobody_is_refused(self):
        for workers in (1, 3):
            with self.subTest(workers=workers):
                self.begin(workers=workers)
                early = self.ask_early()
                self.daemon.start()
                self.assertEqual(self.daemon.proxy, self.address)
                self.assertIn(b" 200 ", early())
                self.assertNotIn("event=socket_unused", self.daemon.log())
                for number in (signal.SIGHUP, signal.SIGUSR2):
                    mark = len(self.daemon.log())
                    self.daemon.process.send_signal(number)
                    self.daemon.wait_log("event=(reloaded|upgraded)", after=mark)
                    self.assertEqual(http.get(self.address, "/healthz").status, 200)
                self.assertEqual(self.daemon.stop(), 0)
                between = self.ask_early()
                self.daemon.start()
                self.assertIn(b" 200 ", between())
                self.daemon.stop()

    def test_whoever_names_no_descriptors(self):
        """As systemd-socket-activate does."""
        self.begin()
        self.daemon.wrap = ["/usr/bin/env", "-u", "LISTEN_FDNAMES"]
        early = self.ask_early()
        self.daemon.start()
        self.assertEqual(self.daemon.proxy, self.address)
        self.assertIn(b" 200 ", early())

    def test_supervisor_dies(self):
        self.begin(workers=2)
        self.daemon.start()
        page = ws.WebSocket(self.address, "/ws", ALICE)
        self.addCleanup(page.drop)
        for _ in range(2):
            mark = len(self.daemon.log())
            os.kill(self.daemon.pid, signal.SIGKILL)
            self.daemon.wait_log("event=ready", after=mark)
            self.assertEqual(http.get(self.address, "/healthz").status, 200)
            page.send_frame(ws.TEXT, "x", mask=False)
            self.assertEqual(page.text(), "x")
        self.assertNotIn("event=socket_unused", self.daemon.log())

    def test_unix_socket(self):
        """Its file, its mode and its group stay the unit's."""
        path = os.path.join(process.folder(), "t3ops.sock")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            os.chmod(path, 0o622)
            s.listen()
            self.start({"listen": [f"unix:{path}"], "listen_mode": "0600"}, start=False, sockets=[s])
            self.daemon.start()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\n\r\n")
                self.assertIn(b" 200 ", client.recv(4096))
            self.daemon.reload()
            self.daemon.stop()
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o622)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)

    def test_an_address_that_no_option_names(self):
        self.start(start=False, sockets=[self.unit])
        self.daemon.start()
        self.daemon.wait_log(rf"level=warning .*event=socket_unused address=127.0.0.1:{self.address[1]} .*hint=")
        self.assertNotEqual(self.daemon.proxy, self.address)
        self.daemon.options["listen"] = [f"127.0.0.1:{self.address[1]}"]
        self.daemon.write_conf()
        self.assertNotIn("event=socket_unused", self.daemon.reload())
        self.assertEqual(http.get(self.address, "/healthz").status, 200)


class Credentials(Case):
    TOKEN = "correct-horse-battery-staple"

    def credential(self, name, text):
        folder = process.folder()
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.chmod(f.name, 0o400)
        os.chmod(folder, 0o500)
        return folder

    def test_only_root_needs_to_read_it(self):
        folder = self.credential("page-token", self.TOKEN)
        self.start({"page_token_file": "%d/page-token", "vantage_key_file": "%d/page-token"}, start=False)
        self.daemon.env = {"CREDENTIALS_DIRECTORY": folder}
        self.daemon.start()
        self.assertEqual(http.get(self.daemon.monitor, "/metrics").status, 401)
        bearer = [("Authorization", f"Bearer {self.TOKEN}")]
        self.assertEqual(http.get(self.daemon.monitor, "/metrics", bearer).status, 200)
        self.assertIn("event=reloaded", self.daemon.reload())
        if account.ROOT:
            self.assertEqual((os.stat(folder).st_uid, os.stat(folder).st_mode & 0o777), (0, 0o500))

    def test_one_that_is_not_there(self):
        folder = self.credential("page-token", self.TOKEN)
        self.start({"page_token_file": "%d/probe-key"}, start=False)
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", self.daemon.conf], capture_output=True, text=True,
                              env={**os.environ, "CREDENTIALS_DIRECTORY": folder}, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'page_token_file = "{folder}/probe-key": No such file or directory', done.stderr)


class Watchdog(Case):
    def test_a_supervisor_that_hangs(self):
        """It is killed, and nobody notices; the binary that follows an upgrade is watched, too."""
        self.start(watchdog_s=3 * wait.SLOW)
        page = ws.WebSocket(self.daemon.proxy, "/ws", ALICE)
        self.addCleanup(page.drop)
        mark = len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        self.daemon.wait_log("event=upgraded", after=mark)
        seen = len(self.daemon.process.told)
        wait.until(lambda: sum("WATCHDOG" in said for said in self.daemon.process.told[seen:]) > 3, what="its life to be told")
        mark = len(self.daemon.log())
        os.kill(self.daemon.pid, signal.SIGSTOP)
        self.daemon.wait_log("event=ready", after=mark)
        page.send_frame(ws.TEXT, "x", mask=False)
        self.assertEqual(page.text(), "x")

    def test_nobody_asks(self):
        self.start()
        self.daemon.reload()
        self.assertFalse([said for said in self.daemon.process.told if "WATCHDOG" in said])


if __name__ == "__main__":
    unittest.main()

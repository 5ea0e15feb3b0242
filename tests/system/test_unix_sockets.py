#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unix sockets instead of ports: to the t3 servers, and for the proxy itself."""
import contextlib
import getpass
import grp
import os
import pwd
import re
import select
import shutil
import signal
import socket
import stat
import tempfile
import threading
import unittest

from lab import account, edge, http, process, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin, answer
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
SELF = getpass.getuser()
OTHER = "nobody" if SELF != "nobody" else "root"
ALICE = {"X-authentik-username": "alice"}
STRICT = {"trusted_upstreams": []}
HERS = {"/": lambda c, r: c.send(answer(b"hers")), "/ws": RawEcho()}


def echoes(w, text):
    """Whether the server's raw echo of a frame comes back."""
    sent = ws.frame_bytes(1, text.encode())
    w.conn.send(sent)
    return w.conn.read(len(sent)) == sent


@contextlib.contextmanager
def served_by_account(handlers, folder, path):
    """An Origin that is a process of the account that commands run as, which root is not."""
    if not account.ROOT:
        with Origin(handlers, path=path):
            yield
        return
    account.give(folder)
    child = os.fork()
    if child == 0:
        entry = pwd.getpwnam(account.NAME)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        try:
            with Origin({**handlers, "/ws": RawEcho()}, path=path):
                signal.pause()
        finally:
            os._exit(0)
    try:
        wait.until(lambda: os.path.exists(path), what="the socket")
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class Leaves:
    """A t3 server that ends its first connection, in the way that `leave` does, with the second request unread."""

    def __init__(self, path, leave):
        self.leave = leave
        self.seen = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def read(self, c):
        head = c.recv(65536)
        if head:
            self.seen.append(head.split(b" ")[1].decode())
        return head

    def _serve(self):
        with self.listener.accept()[0] as c:
            self.read(c)
            c.sendall(answer(b"first"))
            select.select([c], [], [])
            self.leave(self, c)
        while True:
            try:
                c = self.listener.accept()[0]
            except OSError:
                return
            with c:
                self.read(c)
                c.sendall(answer(b"again"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class Upstream(unittest.TestCase):
    def setUp(self):
        self.dir = process.folder()
        os.chmod(self.dir, 0o755)
        self.path = os.path.join(self.dir, "t3.sock")

    def folder_of_root(self):
        """Where all directories above are root's alone: then a row need not name the account."""
        self.dir = tempfile.mkdtemp(prefix="t3lab.", dir="/run")
        self.addCleanup(shutil.rmtree, self.dir)
        os.chmod(self.dir, 0o755)
        self.path = os.path.join(self.dir, "t3.sock")

    def test_every_form_of_a_row(self):
        forms = [f"alice={SELF}@unix:PATH,1\n", f"alice={SELF}@unix:PATH\n",
                 f'{{"alice": {{"os_user": "{SELF}", "socket": "PATH", "port": 1}}}}']
        if os.geteuid() == 0:
            self.folder_of_root()
            forms += ["alice=unix:PATH\n", f"alice={SELF}@unix:PATH\n", '{"alice": {"socket": "PATH"}}']
        with Origin(HERS, path=self.path), Daemon(STRICT, ECHO) as d:
            for text in (form.replace("PATH", self.path) for form in forms):
                with self.subTest(text):
                    mark = len(d.log())
                    d.write_users(text)
                    d.wait_log("event=users_loaded", after=mark)
                    self.assertEqual([http.get(d.proxy, "/", ALICE).text() for _ in range(3)], ["hers"] * 3)
        with open(os.path.join(self.dir, f"{SELF}.env"), "w", encoding="ascii") as f:
            f.write(f'T3_SOCKET="{self.path}"\n')
        os.unlink(self.path)
        with Origin(HERS, path=self.path), \
                Daemon({"upstream_env": os.path.join(self.dir, "%u.env"), **STRICT}, ECHO, users=f"alice={SELF}\n") as d:
            self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")

    def test_pooled_ones_are_used_again(self):
        with Origin(HERS, path=self.path) as o, Daemon(STRICT, ECHO, users=f"alice={SELF}@unix:{self.path}\n") as d:
            for _ in range(10):
                self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")
            self.assertEqual(o.connections, 1)

    def ask_twice(self, leave):
        """What the second request is answered with, and what the t3 server read."""
        with Leaves(self.path, leave) as server, Daemon(STRICT, ECHO, users=f"alice={SELF}@unix:{self.path}\n") as d:
            self.assertEqual(http.get(d.proxy, "/1", ALICE).text(), "first")
            second = http.get(d.proxy, "/2", ALICE)
            return second, server.seen

    def test_a_request_that_nobody_read_is_sent_again(self):
        second, seen = self.ask_twice(lambda server, c: c.close())
        self.assertEqual((second.text(), seen), ("again", ["/1", "/2"]))

    def test_a_request_that_may_still_be_read_is_not_sent_again(self):
        def leave(server, c):
            c.shutdown(socket.SHUT_WR)
            left = select.poll()
            left.register(c, 0)
            wait.until(lambda: left.poll(0), what="the proxy to give it up")  # POLLHUP
            server.read(c)

        def read_first(server, c):
            server.read(c)
            c.shutdown(socket.SHUT_WR)

        for how in (leave, read_first):
            with self.subTest(how.__name__):
                second, seen = self.ask_twice(how)
                self.assertEqual((second.status // 100, seen), (5, ["/1", "/2"]))
            os.unlink(self.path)

    def test_another_account_gets_nothing(self):
        with Origin(HERS, path=self.path) as o, Daemon(STRICT, ECHO, users=f"alice={OTHER}@unix:{self.path}\n") as d:
            page = http.get(d.proxy, "/", {"Accept": "text/html", **ALICE})
            self.assertEqual(page.status, 503)
            self.assertIn("Something else answers", page.text())
            d.wait_log(rf"event=upstream_impostor .*uid {os.getuid()} answers at {re.escape(self.path)}, expected uid")
            self.assertEqual(o.seen, [])

    @unittest.skipIf(os.geteuid() != 0, "only root has a directory that nobody else can replace")
    def test_a_directory_that_others_can_write_to_names_no_owner(self):
        self.folder_of_root()
        os.chmod(self.dir, 0o777)
        with Origin(HERS, path=self.path) as o, Daemon(STRICT, ECHO, users=f"alice=unix:{self.path}\n") as d:
            self.assertEqual(http.get(d.proxy, "/", ALICE).status, 503)
            self.assertEqual(o.seen, [])
            os.chmod(self.dir, 0o755)
            self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")

    def test_a_directory_that_others_could_have_made_names_no_owner(self):
        """In /tmp whoever comes first: before the t3 server is started, or when its directory is removed."""
        with Origin(HERS, path=self.path) as o, Daemon(STRICT, ECHO, users=f"alice=unix:{self.path}\n") as d:
            page = http.get(d.proxy, "/", {"Accept": "text/html", **ALICE})
            self.assertEqual(page.status, 503)
            self.assertIn("cannot tell whose process answers there", page.text())
            self.assertEqual(o.seen, [])

    def test_the_port_beside_it(self):
        with Origin({"/": lambda c, r: c.send(answer(b"by port"))}) as by_port, \
                Daemon(STRICT, ECHO, users=f"alice={SELF}@unix:{self.path},{by_port.port}\n") as d:
            self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "by port")
            with Origin(HERS, path=self.path):
                self.assertEqual(http.request(d.proxy, "POST", "/", ALICE, b"x").text(), "hers")
            mark = len(d.log())
            d.write_users(f"alice={OTHER}@unix:{self.path},{by_port.port}\n")
            d.wait_log("event=users_loaded", after=mark)
            self.assertEqual(http.get(d.proxy, "/", ALICE).status, 503)

    def test_a_server_that_is_not_there(self):
        with Daemon(STRICT, ECHO, users=f"alice={SELF}@unix:{self.path}\n") as d:
            page = http.get(d.proxy, "/", {"Accept": "text/html", **ALICE})
            self.assertEqual(page.status, 503)
            self.assertIn("No such file or directory", page.text())

    def test_a_full_backlog_is_waited_for(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            os.chmod(self.path, 0o666)
            listener.listen(0)
            with socket.socket(socket.AF_UNIX) as first, Daemon(STRICT, ECHO, users=f"alice={SELF}@unix:{self.path}\n") as d:
                first.connect(self.path)
                with http.Connection(d.proxy) as c:
                    c.send(http.build("GET", "/", ALICE))
                    http.get(d.proxy, "/healthz")
                    listener.accept()[0].close()
                    with listener.accept()[0] as sock:
                        self.assertIn(b"GET / ", sock.recv(65536))
                        sock.sendall(answer(b"at last"))
                        self.assertEqual(c.response().text(), "at last")

    def test_tunnels_survive_reload_upgrade_and_crash(self):
        with Origin(HERS, path=self.path), Daemon(STRICT, ECHO, users=f"alice={SELF}@unix:{self.path}\n") as d, \
                ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            self.assertTrue(echoes(w, "before"))
            for number in range(2):
                mark = len(d.log())
                d.options["first_byte_timeout"] = f"{10 + number}s"
                d.write_conf()
                self.assertIn("event=reloaded", d.reload())
                d.process.send_signal(signal.SIGUSR2)
                d.wait_log("event=upgraded", after=mark)
                wait.until(lambda: len(d.pids("proxy")) == 1, what="the old proxy to leave")
                self.assertTrue(echoes(w, f"after {number}"))
            wait.until(lambda: d.metrics()["t3ops_tunnels"] == 1, what="the tunnel")
            http.get(d.proxy, "/healthz")  # it has finished what it was at
            mark = len(d.log())
            os.kill(d.pids("proxy")[0], signal.SIGKILL)
            d.wait_log("event=process_started .*child=proxy", after=mark)
            self.assertTrue(echoes(w, "after the crash"))
            mark = len(d.log())
            d.write_users(f"# moved\nalice={SELF}@unix:{self.path}\nbob={SELF}@unix:{self.path}2\n")
            d.wait_log("event=users_loaded", after=mark)
            self.assertTrue(echoes(w, "same place"))
            d.write_users(f"alice={SELF}@unix:{self.path}2\n")
            d.wait_log("event=tunnel_(closed|dropped)", after=mark)

    def test_pairing_and_legs(self):
        """A t3 server that has no port at all."""
        def pair(c, r):
            c.send(answer(b"{}", headers=[("Set-Cookie", "t3_session=new; Path=/; HttpOnly")]))

        def session(c, r):
            c.send(answer(b'{"authenticated": true, "auth": {"sessionCookieName": "t3_session"}}'))

        handlers = {**HERS, "/api/auth/browser-session": pair, "/api/auth/session": session}
        mint = section("command", "mint", {"argv": ["/bin/echo", '{"credential": "x"}']})
        legs = section("plugin", "probe_t3serve", {"fresh": "0s", "heartbeat": "100ms", "late": "1s", "reconnect_min": "100ms"})
        with served_by_account(handlers, self.dir, self.path), \
                Daemon(STRICT, mint + 'plugin "auto_pair" {}\n' + legs, users=f"alice={account.NAME}@unix:{self.path}\n") as d:
            page = http.get(d.proxy, "/", {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate",
                                           "Sec-Fetch-Site": "none", **ALICE})
            self.assertIn("t3_session=new", page.header("set-cookie"))
            d.wait_log("event=leg_up .*user=alice")
            mark = len(d.log())
            d.write_users(f"alice={'root' if account.NAME != 'root' else 'nobody'}@unix:{self.path}\n")
            d.wait_log("process=prober event=upstream_impostor .*user=alice", after=mark)

    def test_close_reasons(self):
        with Origin(HERS, path=self.path) as o, Daemon(STRICT, ECHO, users=f"alice={SELF}@unix:{self.path}\n") as d:
            with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
                self.assertTrue(echoes(w, "x"))
                o.stop()
                d.wait_log("event=tunnel_dropped .*reason=upstream_eof")


class UnixConnection(http.Connection):
    def __init__(self, path, user=None):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        if user is not None:
            os.seteuid(user)
        try:
            sock.connect(path)
        finally:
            os.seteuid(os.getuid())
        over = http.Connection.over(sock)
        self.__dict__.update(over.__dict__)


class Listen(unittest.TestCase):
    def setUp(self):
        self.dir = process.folder()
        os.chmod(self.dir, 0o755)
        self.path = os.path.join(self.dir, "proxy.sock")
        self.origin = Origin(HERS)
        self.addCleanup(self.origin.stop)

    def daemon(self, **options):
        d = Daemon({"listen": [f"unix:{self.path}", "127.0.0.1:0"], **options}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(d.process.kill)
        return d

    def get(self, **headers):
        with UnixConnection(self.path) as c:
            return c.request("GET", "/", {**ALICE, **headers})

    def test_a_trusted_account(self):
        d = self.daemon(trusted_proxies=[])
        self.assertEqual(self.get().text(), "hers")
        self.assertEqual(self.origin.seen[-1].header("x-forwarded-for"), "unknown")
        self.get(**{"X-Forwarded-For": "192.0.2.7"})
        self.assertEqual(self.origin.seen[-1].header("x-forwarded-for"), "192.0.2.7, unknown")
        self.assertEqual(http.get(d.proxy, "/", ALICE).status, 403)  # whose address is not trusted
        self.assertEqual(d.stop(), 0)
        self.assertFalse(os.path.exists(self.path))

    @edge.needs_nginx
    def test_behind_nginx(self):
        self.daemon(trusted_proxies=[])
        with edge.Nginx(self.path, "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header Host $http_host;") as e:
            self.assertEqual([http.get(e.address, "/", {"X-Test-User": who}).status for who in ("alice", "bob")], [200, 403])
            self.assertEqual(self.origin.seen[-1].header("x-real-ip"), "127.0.0.1")
            with ws.WebSocket(e.address, "/ws", {"X-Test-User": "alice"}) as w:
                self.assertTrue(echoes(w, "through both"))

    def test_another_account(self):
        d = self.daemon(trusted_local_users=[])
        self.assertEqual(self.get().status, 403)
        d.wait_log(rf"event=identity_ignored .*peer=unknown .*uid {os.getuid()} .*trusted_local_users")
        self.assertEqual(self.origin.seen, [])

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_mode_and_group(self):
        nobody = pwd.getpwnam("nobody")
        d = self.daemon(listen_mode="0600")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        with self.assertRaises(PermissionError):
            UnixConnection(self.path, nobody.pw_uid)
        d.options.update({"listen_mode": "0666", "listen_group": grp.getgrgid(nobody.pw_gid).gr_name})
        d.write_conf()
        self.assertIn("event=reloaded", d.reload())
        self.assertEqual((stat.S_IMODE(os.stat(self.path).st_mode), os.stat(self.path).st_gid), (0o666, nobody.pw_gid))
        with UnixConnection(self.path, nobody.pw_uid) as c:
            self.assertEqual(c.request("GET", "/", ALICE).status, 403)
        self.assertEqual(self.get().text(), "hers")

    def test_reload_upgrade_and_crash(self):
        for workers in (1, 3):
            with self.subTest(workers=workers):
                self.path = os.path.join(self.dir, f"{workers}.sock")
                d = self.daemon(workers=workers)
                with UnixConnection(self.path) as c:
                    self.assertEqual(c.request("GET", "/", ALICE).text(), "hers")
                    c.send(http.build("GET", "/ws", {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                                                     "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": "http://lab", **ALICE}))
                    self.assertIn(b"101", c.read_until(b"\r\n\r\n"))
                    inode = os.stat(self.path).st_ino
                    for number in range(2):
                        mark = len(d.log())
                        d.options["first_byte_timeout"] = f"{10 + number}s"
                        d.write_conf()
                        self.assertIn("event=reloaded", d.reload())
                        d.process.send_signal(signal.SIGUSR2)
                        d.wait_log("event=upgraded", after=mark)
                        wait.until(lambda: len(d.pids("proxy")) == workers, what="the old proxies to leave")
                        self.assertEqual(self.get().text(), "hers")
                        self.assertEqual(os.stat(self.path).st_ino, inode)
                        self.echo(c)
                    for _ in range(10 * workers):
                        http.get(d.proxy, "/healthz")  # whoever holds the tunnel has finished what it was at
                    mark = len(d.log())
                    for pid in d.pids("proxy"):
                        os.kill(pid, signal.SIGKILL)
                    d.wait_log("event=tunnels_preserved", after=mark)
                    self.assertEqual(self.get().text(), "hers")
                    self.echo(c)
                self.assertEqual(d.stop(), 0)

    def test_a_file_that_was_removed_comes_back_with_a_reload(self):
        for workers in (1, 3):
            with self.subTest(workers=workers):
                d = self.daemon(workers=workers)
                control = os.stat(d.control).st_ino
                with UnixConnection(self.path) as c:
                    self.assertEqual(c.request("GET", "/", ALICE).text(), "hers")
                    os.unlink(self.path)
                    self.assertIn("event=listening listener=proxy", d.reload())
                    wait.until(lambda n=workers: len(d.pids("proxy")) == n, what="the old proxies to leave")
                    self.assertEqual([self.get().text() for _ in range(10)], ["hers"] * 10)
                    self.assertEqual(c.request("GET", "/", ALICE).text(), "hers")
                self.assertEqual(os.stat(d.control).st_ino, control)
                self.assertNotIn("event=listening", d.reload())
                os.unlink(d.control)
                mark = len(d.log())
                d.reload()
                d.wait_log("event=process_started .*child=monitor", after=mark)
                self.assertEqual(self.get().text(), "hers")
                self.assertTrue(stat.S_ISSOCK(os.stat(d.control).st_mode))
                self.assertEqual(d.stop(), 0)
                self.assertFalse(os.path.exists(self.path) or os.path.exists(d.control))

    def test_another_socket_in_its_place_is_left_alone(self):
        d = self.daemon()
        os.unlink(self.path)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            other.listen(4)
            self.assertRegex(d.reload(), "event=reload_refused .*somebody answers there")
            self.assertEqual(d.stop(), 0)
            self.assertTrue(os.path.exists(self.path))

    def echo(self, c):
        sent = ws.frame_bytes(1, b"talk")
        c.send(sent)
        self.assertEqual(c.read(len(sent)), sent)

    def test_what_is_in_the_way(self):
        with open(self.path, "w", encoding="ascii"):
            pass
        d = Daemon({"listen": [f"unix:{self.path}"]}, ECHO, users={"alice": 1}, start=False)
        with self.assertRaises(Exception):
            d.start(limit=5)
        self.assertIn("something else than a socket has that name", d.log())
        os.unlink(self.path)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        d.process = process.Process([process.program("core/t3ops"), "-c", d.conf], "t3ops", None)
        self.addCleanup(d.process.kill)
        d.process.wait_log("event=ready")
        self.assertEqual(self.get().status, 503)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who gets in, and what is never written down: origins of WebSockets, the proxy's secret, users who are taken
off the table; and no secret of a request in any log or page."""
import os
import re
import subprocess
import unittest

from lab import edge, http, process, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
SECRET = "correct-horse-battery-staple"


def refused(metrics, reason):
    return metrics.get(f't3ops_requests_rejected_total{{reason="{reason}"}}', 0)


def logged(name):
    """As a log line quotes it, if it has to."""
    plain = re.fullmatch(r"[^\s\"\\=]+", name)
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Access(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)

    def daemon(self, **options):
        d = Daemon(options, ECHO, users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        return d

    def open(self, d, headers=(), target="/ws"):
        """The status of an upgrade."""
        try:
            with ws.WebSocket(d.proxy, target, list(headers)) as w:
                return w.response.status
        except ws.Refused as e:
            return e.response.status

    def reload(self, d):
        """Until then the old proxy may accept another connection."""
        self.assertIn("event=reloaded", d.reload())
        wait.until(lambda: len(d.pids("proxy")) == 1, what="the old proxy to leave")

    def test_origin(self):
        d = self.daemon(allowed_origins=["https://other.example.org"])
        none = [("Origin", None)]
        for headers, target, status in (
                (ALICE, "/ws", 101),
                (ALICE + [("Origin", "https://lab")], "/ws", 101),
                (ALICE + [("Origin", "https://other.example.org")], "/ws", 101),
                (ALICE + [("Origin", "https://evil.example.org")], "/ws", 403),
                (ALICE + [("Origin", "null")], "/ws", 403),
                (ALICE + none, "/ws", 403),
                (ALICE + none, "/ws?wsTicket=secret-ticket", 101),
                (ALICE + none + [("Authorization", "Bearer secret-token")], "/ws", 101),
                (none, "/probe/ws", 101),
                ([("Origin", "https://evil.example.org")], "/probe/ws", 403)):
            self.assertEqual(self.open(d, headers, target), status, (headers, target))
        self.assertEqual(refused(d.metrics(), "origin"), 4)
        self.assertEqual(len(self.origin.requests("/ws")), 5)
        self.assertIn("https://evil.example.org", d.log())

    @edge.needs_nginx
    def test_origin_on_a_port_behind_a_proxy(self):
        """nginx with `Host $host` drops the port that the browser's Origin has."""
        d = self.daemon()
        for lines, status in ((["Host $host"], 403), (["Host $http_host"], 101), (["Host inner", "X-Forwarded-Host $http_host"], 101),
                              (["Host $host", "X-Forwarded-Port $server_port"], 101),
                              (["Host inner", 'Forwarded "for=$remote_addr;host=\\"$http_host\\""'], 101),
                              (["Host inner", "X-Forwarded-Host evil.example.org"], 403)):
            with edge.Nginx(d.proxy, "".join(f"proxy_set_header {line};" for line in lines)) as e:
                host = "127.0.0.1:%d" % e.address[1]
                headers = [("X-Test-User", "alice"), ("Host", host), ("Origin", "http://" + host)]
                try:
                    with ws.WebSocket(e.address, "/ws", headers) as w:
                        got = w.response.status
                except ws.Refused as refusal:
                    got = refusal.response.status
                self.assertEqual(got, status, lines)

    def client(self, d, headers):
        """The address that a WebSocket with these headers is seen from."""
        mark = len(d.log())
        self.assertEqual(self.open(d, ALICE + headers), 101)
        return d.wait_log(r"event=tunnel_opened .*client=(\S+)", after=mark).group(1)

    def test_clients_address(self):
        d = self.daemon()
        for headers, address in (
                ([], "127.0.0.1"),
                ([("CF-Connecting-IP", "203.0.113.7")], "203.0.113.7"),
                ([("CF-Connecting-IP", "203.0.113.7"), ("X-Forwarded-For", "203.0.113.8")], "203.0.113.7"),
                ([("CF-Connecting-IP", "not an address"), ("X-Forwarded-For", "203.0.113.8")], "203.0.113.8"),
                ([("X-Forwarded-For", "6.6.6.6, 203.0.113.8, 127.0.0.2")], "203.0.113.8"),
                ([("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.8:4711")], "203.0.113.8"),
                ([("X-Forwarded-For", "6.6.6.6, unknown")], "127.0.0.1"),
                ([("Forwarded", 'for=6.6.6.6, for="[2001:db8:cafe::17]:4711", for=127.0.0.2')], "2001:db8:cafe::17"),
                ([("Forwarded", "for=6.6.6.6, for=_hidden")], "127.0.0.1"),
                ([("X-Real-IP", "203.0.113.9")], "203.0.113.9")):
            self.assertEqual(self.client(d, headers), address, headers)
            self.assertEqual(self.origin.requests("/ws")[-1].header("x-real-ip"), address, headers)
        d = self.daemon(client_address_headers=["X-Forwarded-For"])
        self.assertEqual(self.client(d, [("CF-Connecting-IP", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.8")]), "203.0.113.8")

    def test_address_of_an_untrusted_peer(self):
        d = self.daemon(trusted_proxies=["192.0.2.0/24"])
        r = http.get(d.proxy, "/hello", [("X-Forwarded-For", "6.6.6.6"), ("CF-Connecting-IP", "6.6.6.6")] + ALICE)
        self.assertEqual(r.status, 403)
        self.assertIn("peer=127.0.0.1", d.wait_log("event=identity_ignored .*").group(0))

    def test_probe_cap_is_of_the_client(self):
        d = Daemon({}, 'plugin "probe_echo" { per_address = 1 }\n')
        self.addCleanup(d.stop)
        with ws.WebSocket(d.proxy, "/probe/ws", [("X-Forwarded-For", "6.6.6.6, 203.0.113.8")]):
            for chain, status in (("203.0.113.8, 127.0.0.2", 503), ("203.0.113.8", 503), ("203.0.113.8, 203.0.113.9", 101)):
                self.assertEqual(self.open(d, [("X-Forwarded-For", chain)], "/probe/ws"), status, chain)

    def test_any_printable_text_is_a_name(self):
        names = ["John Doe", "CORP\\john", "0123456789abcdef" * 4, "x" * 254, 'a;b"c", d', "Jörg", "李雷"]
        d = Daemon({}, ECHO, users={n: self.origin.port for n in names})
        self.addCleanup(d.stop)
        d.ctl("status")
        for name in names:
            sent = name.encode().decode("latin-1")
            self.assertEqual(http.get(d.proxy, "/hello", [("X-authentik-username", sent)]).status, 200, name)
            self.assertEqual(self.open(d, [("X-authentik-username", sent)]), 101, name)
            d.wait_log("event=tunnel_opened .*user=" + re.escape(logged(name)))
        self.assertEqual(http.get(d.proxy, "/hello", [("X-authentik-username", "J\xf6rg")]).status, 200, "Latin-1")
        for name in ("J%C3%B6rg", "john doe", "x" * 253):
            self.assertEqual(http.get(d.proxy, "/hello", [("X-authentik-username", name)]).status, 403, name)
        d = Daemon({"identity_percent_encoded": True, "identity_ignore_case": True}, ECHO, users={n: self.origin.port for n in names})
        self.addCleanup(d.stop)
        for name in ("J%C3%B6rg", "j%c3%96RG", "john%20doe", "JOHN DOE", "corp%5cJohn"):
            self.assertEqual(http.get(d.proxy, "/hello", [("X-authentik-username", name)]).status, 200, name)
        self.assertEqual(http.get(d.proxy, "/hello", [("X-authentik-username", "J%F6rg")]).status, 400)

    def test_why_an_identity_is_refused(self):
        d = self.daemon()
        name = "X-authentik-username"
        for headers, reason in (
                ([(name, "alice"), (name, "alice")], "identity_twice"), ([("X_authentik_username", "alice")], "identity_aliased"),
                ([(name, "alice"), ("Connection", name)], "identity_connection"), ([(name, "x" * 255)], "identity_length"),
                ([(name, "a\tb")], "identity_control")):
            r = http.get(d.proxy, "/hello", headers)
            self.assertEqual(r.status, 400, reason)
            line = d.wait_log(rf"level=warning .*event=request_invalid reason={reason} .*").group(0)
            self.assertIn(r.text().strip(), line, "both say the same")
            self.assertEqual(refused(d.metrics(), reason), 1)
            http.get(d.proxy, "/hello", headers)
            self.assertEqual(len([l for l in d.log().splitlines() if reason in l]), 1, "once a minute")
        self.assertEqual(self.origin.seen, [])

    def test_doubtful_names_are_warnings(self):
        d = Daemon({}, ECHO, start=False,
                   users={"alice": self.origin.port, "al\u200bice": self.origin.port + 1, "\u0430lice": self.origin.port + 2,
                          "bob": self.origin.port + 3, "carol": self.origin.port + 3})
        self.addCleanup(d.stop)
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("holds an invisible character", "looks like", "bob and carol share"):
            self.assertRegex(done.stdout + done.stderr, f"warning: .*{words}")
        d.start()
        d.wait_log("event=users_partial")

    def secret_file(self, text, mode=0o640):
        path = os.path.join(self.folder, "secret")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def test_proxy_secret(self):
        d = Daemon({}, ECHO, users={"alice": self.origin.port}, start=False)
        self.addCleanup(d.stop)
        self.folder = d.dir
        d.options["proxy_secret_file"] = self.secret_file(SECRET + "\n")
        d.write_conf()
        d.start()
        shown = [("X-T3ops-Proxy-Secret", SECRET)]
        self.assertEqual(http.get(d.proxy, "/hello", ALICE + shown).status, 200)
        self.assertIsNone(self.origin.requests("/hello")[-1].header("x-t3ops-proxy-secret"))
        for headers in (ALICE, ALICE + [("X-T3ops-Proxy-Secret", SECRET + "x")], ALICE + shown + shown,
                        ALICE + shown + [("X_T3ops_Proxy_Secret", SECRET)]):
            self.assertEqual(http.get(d.proxy, "/hello", headers).status, 403, headers)
        self.assertEqual(len(self.origin.requests("/hello")), 1)
        self.assertEqual(refused(d.metrics(), "proxy_secret"), 4)
        self.assertEqual(http.get(d.proxy, "/healthz").status, 200)
        self.secret_file("another-secret-altogether\n")
        self.reload(d)
        self.assertEqual(http.get(d.proxy, "/hello", ALICE + shown).status, 403)
        self.assertEqual(http.get(d.proxy, "/hello", ALICE + [("X-T3ops-Proxy-Secret", "another-secret-altogether")]).status, 200)
        self.secret_file("short\n")
        self.assertRegex(d.reload(), r"t3ops.conf:\d+: .*proxy_secret_file.*fewer than 16 bytes")
        self.assertEqual(http.get(d.proxy, "/hello", ALICE + [("X-T3ops-Proxy-Secret", "another-secret-altogether")]).status, 200)
        for text in (d.log(), d.get("/status").text(), d.get("/metrics").text(), d.ctl("status")):
            self.assertNotIn(SECRET, text)
            self.assertNotIn("another-secret", text)

    def test_no_identity_where_the_proxy_asks_for_none(self):
        """/probe/ needs no sign-in: an identity there is the client's own invention, however it spells the
        path, and whichever plugin comes first."""
        d = Daemon({}, 'command "mint" { argv = {"/bin/false"} }\nplugin "session_check" {}\nplugin "auto_pair" {}\n' + ECHO,
                   users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        page = [("Accept", "text/html"), ("Cookie", "t3_session=stale")]
        for path in ("/probe", "/probe/", "/probe/x", "/probe/../", "/%70robe/x", "/%70robe/../ws", "/x/%2e%2e/probe/",
                     "/x%2f..%2fprobe/", "//probe/", "/PROBE/x", "/probes"):
            for more in ([], page):
                r = http.get(d.proxy, path, ALICE + more)
                self.assertIn(r.status, (403, 404), path)
                self.assertIsNone(r.header("set-cookie"), path)
            self.assertEqual(self.open(d, ALICE, path), 404 if path.startswith("/probe/") else 403, path)
        self.assertEqual(self.open(d, ALICE, "/probe/ws"), 101)
        self.assertEqual(self.origin.seen, [])
        self.assertEqual(http.get(d.proxy, "/a/probe/x", ALICE).status, 200)
        d.options["public_paths"] = ["/open"]
        d.write_conf()
        self.reload(d)
        self.assertEqual(http.get(d.proxy, "/open/door", ALICE).status, 403)
        self.assertEqual(http.get(d.proxy, "/probes", ALICE).status, 200)

    def test_user_who_is_taken_off_the_table(self):
        d = self.daemon()
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            d.write_users({"bob": self.origin.port})
            self.assertEqual(w.wait_close(), 1008)
        self.assertEqual(http.get(d.proxy, "/hello", ALICE).status, 403)
        wait.until(lambda: d.metrics()["t3ops_tunnels"] == 0, what="the tunnel to end")
        self.assertEqual(http.get(d.proxy, "/hello", [("X-authentik-username", "bob")]).status, 200)

    def test_user_whose_server_moved(self):
        d = self.daemon()
        other = Origin({"/ws": RawEcho()})
        self.addCleanup(other.stop)
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            d.write_users({"alice": other.port})
            self.assertEqual(w.wait_close(), 1008)
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            self.assertEqual(len(other.requests("/ws")), 1)

    def test_two_names_that_fold_to_one(self):
        d = self.daemon()
        d.write_users({"alice": self.origin.port, "Alice": self.origin.port + 1})
        d.wait_log(r'event=users_broken .*Alice.* is the same name as .*alice.* before it')
        self.assertEqual(http.get(d.proxy, "/hello", ALICE).status, 200, "the last valid table stays active")

    def test_nothing_secret_is_written_down(self):
        d = self.daemon(max_headers=20, first_byte_timeout="1s")
        mark = "sesame-open"
        secrets = [("Cookie", f"t3_session={mark}1; t3_session_1_abc={mark}2"), ("Authorization", f"Bearer {mark}3")]
        for headers in (ALICE + secrets, secrets, [("X-authentik-username", "nobody")] + secrets,
                        ALICE + ALICE + secrets, ALICE + secrets + [("X", "y")] * 30,
                        ALICE + secrets + [("Transfer-Encoding", "gzip")], ALICE + secrets + [("Bad Name", "x")]):
            for target in (f"/hello?wsTicket={mark}4", f"/nothing?code={mark}5&x=1"):
                self.assertGreaterEqual(http.get(d.proxy, target, headers).status, 200)
        self.assertEqual(self.open(d, ALICE + secrets + [("Origin", "https://evil.example.org")], f"/ws?wsTicket={mark}6"), 403)
        self.assertEqual(self.open(d, ALICE + secrets + [("Origin", None)], f"/ws?wsTicket={mark}7"), 101)
        self.origin.stop()
        self.assertEqual(http.get(d.proxy, f"/hello?token={mark}8", ALICE + secrets).status, 503)
        pages = [d.get(p).text() for p in ("/metrics", "/status", "/verdicts")]
        for text in [d.ctl("status"), d.ctl("events")] + pages:
            self.assertNotIn(mark, text)
        d.stop()  # which looks through the log and the journal

    def test_the_lab_notices_what_is_written_down(self):
        d = self.daemon()
        http.get(d.proxy, "/hello?wsTicket=a-ticket-of-hers", ALICE + [("Cookie", "t3_session=a-session-of-hers")])
        d.stop()
        for text in ("a-ticket-of-hers", "a-session-of-hers"):
            for path in (d.process.log_path, os.path.join(d.state_dir, "other")):
                with self.subTest(text=text, path=path):
                    with open(path, "w", encoding="utf-8") as f:
                        f.write(f"level=info {text}\n")
                    with self.assertRaisesRegex(AssertionError, "confidential"):
                        d.check_confidential()
                    os.truncate(path, 0)
        d.check_confidential()


if __name__ == "__main__":
    unittest.main()

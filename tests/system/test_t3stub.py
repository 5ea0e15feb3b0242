#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stand-in for t3 answers as the three real versions were measured to."""
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import unittest

from lab import account, http, process, wait, ws
from lab.stub import LATEST, NEW, OLD, T3Stub

VERSIONS = (OLD, NEW, LATEST)
JSON = {"Content-Type": "application/json"}
OLD_NAME, NEW_NAME = "/api/auth/bootstrap", "/api/auth/browser-session"
INVALID = b'"reason":"invalid_credential"'

# What is posted to the pairing endpoint: (case, headers, body, {version: (status, words of the body or None: empty)})
PAIRING = (
    ("unknown credential", JSON, b'{"credential":"ABCDEFGHJKLM"}',
     {OLD: (401, b'{"error":"Invalid bootstrap credential."}'), NEW: (401, INVALID), LATEST: (401, INVALID)}),
    ("malformed JSON", JSON, b'{"credential":', {OLD: (400, b'{"error":"Invalid bootstrap payload."}'), NEW: (500, None),
                                                 LATEST: (400, None)}),
    ("empty object", JSON, b"{}", {OLD: (400, b"Invalid bootstrap payload."), NEW: (400, None), LATEST: (400, None)}),
    ("empty body", JSON, b"", {OLD: (400, b"Invalid bootstrap payload."), NEW: (400, None), LATEST: (400, None)}),
)


def post(stub, path, body, headers=None):
    return http.request(stub.address, "POST", path, JSON if headers is None else headers, body)


def credential_body(credential):
    return json.dumps({"credential": credential}).encode()


class EachVersion(unittest.TestCase):
    """One server a version, shared by the tests that only ask."""

    @classmethod
    def setUpClass(cls):
        cls.stubs = {v: T3Stub(v, host="0.0.0.0", dead_ms=20) for v in VERSIONS}

    @classmethod
    def tearDownClass(cls):
        for stub in cls.stubs.values():
            stub.stop()

    def each(self):
        for version, stub in self.stubs.items():
            with self.subTest(version=version):
                yield version, stub

    def test_version_has_its_prefix(self):
        for version, stub in self.each():
            done = subprocess.run([stub.program, "--version"], env={**os.environ, "T3STUB_VERSION": version},
                                  capture_output=True, check=True)
            self.assertEqual(done.stdout.decode(), f"t3 v{version}\n")

    def test_mint_prints_json_alone(self):
        for version, stub in self.each():
            done = subprocess.run(stub.mint_argv(), capture_output=True, text=True, check=True)
            minted = json.loads(done.stdout)
            self.assertEqual(done.stderr, "")
            self.assertRegex(minted["credential"], r"^[A-Z0-9]{12}$")
            self.assertEqual("role" in minted, version == OLD)
            self.assertEqual("scopes" in minted, version != OLD)

    def test_mint_errors_are_on_stdout(self):
        for version, stub in self.each():
            done = subprocess.run([stub.program, "--t3-version", version, "auth", "pairing", "create", "--base-dir",
                                   "/proc/nowhere", "--json"], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (1, ""))
            self.assertIn("ERROR", done.stdout)
            done = subprocess.run([stub.program, "auth", "pairing", "create", "--ttl", "soon"], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("soon", done.stderr)

    def test_pairing_answers(self):
        for version, stub in self.each():
            for case, headers, body, expected in PAIRING:
                answer = post(stub, stub.endpoint, body, headers)
                status, words = expected[version]
                self.assertEqual(answer.status, status, case)
                if words is None:
                    self.assertEqual(answer.body, b"", case)
                else:
                    self.assertIn(words, answer.body, case)

    def test_credential_works_once_in_its_own_case_only(self):
        for version, stub in self.each():
            credential = stub.mint()
            self.assertEqual(stub.exchange(credential.lower()).status, 401)
            first = stub.exchange(credential)
            self.assertEqual(first.status, 200)
            self.assertTrue(first.json()["authenticated"])
            self.assertEqual(stub.exchange(credential).status, 401)
            cookie = first.header("set-cookie")
            self.assertRegex(cookie, r"^t3_session=[A-Za-z0-9_.-]+; Path=/; Expires=[^;]+ GMT; HttpOnly; SameSite=Lax$")
            self.assertEqual(len(cookie.split(";")[0]), 298 if version == OLD else 414)
            self.assertEqual(first.header("cache-control"), None if version == OLD else "no-store")

    def test_content_types(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for version, stub in self.each():
            answer = post(stub, stub.endpoint, credential_body(stub.mint()), form)
            self.assertEqual(answer.status, 200 if version == OLD else 415)
            self.assertEqual(post(stub, stub.endpoint, credential_body(stub.mint()), {}).status, 200)

    def test_absent_name_is_404_and_consumes_nothing(self):
        for version, stub in self.each():
            absent = NEW_NAME if version == OLD else OLD_NAME
            credential = stub.mint()
            answer = post(stub, absent, credential_body(credential))
            self.assertEqual((answer.status, answer.body), (404, b""))
            self.assertEqual(answer.header("transfer-encoding"), "chunked")
            self.assertIsNone(answer.header("content-type"))
            self.assertEqual(stub.exchange(credential).status, 200)

    def test_chunked_body_is_read(self):
        for _version, stub in self.each():
            body = credential_body(stub.mint())
            with http.Connection(stub.address) as c:
                c.send(http.build("POST", stub.endpoint, {**JSON, "Transfer-Encoding": "chunked"}))
                for part in (body[:5], body[5:]):
                    c.send(b"%x\r\n%s\r\n" % (len(part), part))
                c.send(b"0\r\n\r\n")
                self.assertEqual(c.response().status, 200)

    def test_any_get_is_the_index_page(self):
        for _version, stub in self.each():
            for path in ("/", OLD_NAME, NEW_NAME, "/api/nope", "/assets/nope.js"):
                answer = http.get(stub.address, path)
                self.assertEqual(answer.status, 200, path)
                self.assertIn("text/html", answer.header("content-type"))
            self.assertEqual(http.request(stub.address, "HEAD", "/").body, b"")
            for method in ("POST", "DELETE"):
                self.assertEqual(http.request(stub.address, method, "/api/nope").status, 404)

    def test_session_is_always_200(self):
        for _version, stub in self.each():
            cookie = stub.cookie()
            for given, alive in (("", False), ("t3_session=bogus", False), (cookie, True),
                                 ("t3_session=bogus; " + cookie, False), (cookie + "; t3_session=bogus", True)):
                answer = http.get(stub.address, "/api/auth/session", {"Cookie": given} if given else {})
                self.assertEqual((answer.status, answer.json()["authenticated"]), (200, alive), given[:30])
                self.assertTrue(answer.body.startswith(b'{"authenticated":'))
                self.assertEqual(answer.json()["auth"]["sessionCookieName"], "t3_session")
            name, value = cookie.split("=", 1)
            bearer = {"Authorization": "Bearer " + value}
            self.assertTrue(http.get(stub.address, "/api/auth/session", bearer).json()["authenticated"])
            stale = {**bearer, "Cookie": name + "=bogus"}
            self.assertFalse(http.get(stub.address, "/api/auth/session", stale).json()["authenticated"])

    def test_environment_and_options(self):
        for version, stub in self.each():
            environment = http.get(stub.address, "/.well-known/t3/environment").json()
            self.assertEqual(environment["serverVersion"], version)
            self.assertEqual("connectionProbe" in environment["capabilities"], version == LATEST)
            answer = http.request(stub.address, "OPTIONS", "/api/auth/session")
            self.assertEqual(answer.status, 204)
            self.assertEqual("dpop" in answer.header("access-control-allow-headers"), version != OLD)

    def test_minted_session_is_no_administrator(self):
        for _version, stub in self.each():
            for path in ("/api/auth/clients", "/api/auth/pairing-links"):
                self.assertEqual(http.get(stub.address, path, {"Cookie": stub.cookie()}).status, 403)

    def test_websocket_needs_a_session(self):
        for version, stub in self.each():
            for headers in ({}, {"Cookie": "t3_session=bogus"}):
                with http.Connection(stub.address) as c:
                    c.send(http.build("GET", "/ws", {"Connection": "Upgrade", "Upgrade": "websocket",
                                                     "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "eA==", **headers}))
                    answer = c.response()
                    self.assertEqual(answer.status, 401)
                    self.assertEqual(answer.header("connection"), "keep-alive")
                    self.assertIn("error" if version == OLD else "reason", answer.json())
                    self.assertTrue(c.at_end(), "closed in spite of its own words")

    def test_websocket_with_a_token_of_the_query(self):
        for version, stub in self.each():
            cookie = {"Cookie": stub.cookie()}
            path, field, query = (("/api/auth/ws-token", "token", "wsToken") if version == OLD else
                                  ("/api/auth/websocket-ticket", "ticket", "wsTicket"))
            token = http.request(stub.address, "POST", path, cookie).json()[field]
            for _ in range(2):
                ws.WebSocket(stub.address, f"/ws?{query}={token}").close()
            with self.assertRaises(ws.Refused):
                ws.WebSocket(stub.address, f"/ws?{query}=bogus", cookie)

    def test_websocket_messages(self):
        for version, stub in self.each():
            with ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie(), "Origin": "https://foreign.example"}) as w:
                w.heartbeat()
                w.ping(b"are you there")
                self.assertEqual(w.message(), (ws.PONG, b"are you there"))
                answer = json.loads(w.ask("not json"))
                self.assertEqual((answer["_tag"], answer["defect"]["name"]), ("Defect", "SyntaxError"))
                ask = '{"_tag":"Request","id":"7","tag":"%s","payload":{"a":1},"headers":[]}'
                self.assertEqual(json.loads(w.ask(ask % "server.getSettings"))["requestId"], "7")
                self.assertEqual(json.loads(w.ask(ask % "subscribeServerLifecycle"))["values"][0]["type"], "welcome")
                self.assertEqual(json.loads(w.ask(ask % "nope"))["_tag"], "Exit" if version == LATEST else "Defect")
                echo = json.loads(w.ask(json.dumps({"_tag": "Request", "id": "8", "tag": "stub.echo", "payload": "x" * 70000})))
                self.assertEqual(len(echo["exit"]["value"]), 70000)
                w.send_frame(ws.TEXT, '{"_tag":', fin=False)
                w.send_frame(ws.CONTINUATION, '"Ping"}')
                self.assertEqual(w.text(), '{"_tag":"Pong"}')

    def test_websocket_offers(self):
        for version, stub in self.each():
            offers = {"Cookie": stub.cookie(), "Sec-WebSocket-Protocol": "first, second",
                      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
            with ws.WebSocket(stub.address, "/ws", offers) as w:
                self.assertEqual(w.response.header("sec-websocket-protocol"), "first")
                self.assertEqual(w.response.header("sec-websocket-extensions"),
                                 "permessage-deflate" if version == LATEST else None)

    def test_upgrade_elsewhere_is_the_index_page(self):
        for _version, stub in self.each():
            with self.assertRaises(ws.Refused) as refused:
                ws.WebSocket(stub.address, "/other", {"Cookie": stub.cookie()})
            self.assertEqual(refused.exception.status, 200)
            self.assertEqual(http.get(stub.address, "/ws").status, 401)
            self.assertEqual(http.get(stub.address, "/ws", {"Cookie": stub.cookie()}).status, 400)

    def test_database_of_a_running_server(self):
        highest = {OLD: 30, NEW: 32, LATEST: 37}
        for version, stub in self.each():
            self.assertEqual(os.path.getsize(stub.database), 4096, "everything is in the -wal")
            with sqlite3.connect(stub.database) as db:
                tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
                self.assertLessEqual({"auth_pairing_links", "auth_sessions", "effect_sql_migrations"}, tables)
                self.assertEqual(len(tables), 17)
                self.assertEqual(db.execute("SELECT max(migration_id) FROM effect_sql_migrations").fetchone()[0],
                                 highest[version])
                self.assertEqual(db.execute("PRAGMA journal_mode").fetchone()[0], "wal")


class Life(unittest.TestCase):
    def test_cookie_name_follows_the_bind_address(self):
        for version in VERSIONS:
            with T3Stub(version, host="127.0.0.1", dead_ms=20) as stub:
                auth = http.get(stub.address, "/api/auth/session").json()["auth"]
                self.assertEqual(auth["policy"], "loopback-browser")
                own = rf"^t3_session_{stub.port}_[0-9a-f]{{12}}$" if version == LATEST else "^t3_session$"
                self.assertRegex(auth["sessionCookieName"], own)
                self.assertTrue(stub.cookie().startswith(auth["sessionCookieName"] + "="))

    def test_dead_window_never_answers(self):
        stub = T3Stub(NEW, start=False, dead_ms=1500)
        stub.process = process.Process([stub.program, "serve", "--base-dir", stub.base, "--host", "127.0.0.1", "--port", "0"],
                                       "t3stub", stub.env)
        runtime = os.path.join(stub.base, "userdata/server-runtime.json")
        wait.until(lambda: os.path.exists(runtime) and os.path.getsize(runtime), what="server-runtime.json")
        with open(runtime, encoding="utf-8") as f:
            port = json.load(f)["port"]
        early = http.Connection(("127.0.0.1", port))
        early.send(http.build("GET", "/"))
        stub.process.wait_log("^Listening on")
        self.assertEqual(http.get(("127.0.0.1", port), "/").status, 200)
        early.sock.settimeout(0.3)
        self.assertRaises(socket.timeout, early.fill)
        early.close()
        stub.process.kill()

    def test_idle_connections_are_closed(self):
        with T3Stub(NEW, dead_ms=20, idle_ms=200) as stub:
            with http.Connection(stub.address) as c:
                answer = c.request("GET", "/")
                self.assertEqual(answer.header("keep-alive"), "timeout=5")
                self.assertTrue(c.at_end())
            with ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()}) as w:
                self.assertFalse(w.readable(0.5))
                w.heartbeat()

    def test_upgrades(self):
        """(from, to, whether the cookie survives)"""
        for before, after, survives in ((OLD, OLD, True), (NEW, NEW, True), (OLD, NEW, False), (NEW, LATEST, True),
                                        (LATEST, NEW, True)):
            with self.subTest(before=before, after=after):
                first = T3Stub(before, host="0.0.0.0", dead_ms=20)
                cookie, pending = first.cookie(), first.mint()
                self.assertEqual(first.stop(), 130)
                with T3Stub(after, first.base, host="0.0.0.0", dead_ms=20) as second:
                    answer = http.get(second.address, "/api/auth/session", {"Cookie": cookie})
                    self.assertEqual((answer.status, answer.json()["authenticated"]), (200, survives))
                    self.assertEqual(second.exchange(pending).status, 200 if survives else 401)
                    self.assertEqual(second.exchange(second.mint()).status, 200)

    def test_older_program_on_a_newer_database(self):
        base = os.path.join(account.give(process.folder()), ".t3")
        newer = T3Stub(NEW, base, start=False)
        newer.mint()
        with T3Stub(OLD, base, host="0.0.0.0", dead_ms=20) as old:
            done = subprocess.run(old.mint_argv(), capture_output=True, text=True, check=False, **account.popen_options())
            self.assertEqual((done.returncode, done.stderr), (1, ""))
            self.assertIn("Failed to create pairing link", done.stdout)
            self.assertEqual(http.get(old.address, "/").status, 200)
            self.assertFalse(http.get(old.address, "/api/auth/session").json()["authenticated"])
            answer = old.exchange(newer.mint())
            self.assertEqual((answer.status, answer.body), (500, b'{"error":"Failed to validate bootstrap credential."}'))

    def test_stop(self):
        for version in VERSIONS:
            for number in (signal.SIGTERM, signal.SIGINT):
                with self.subTest(version=version, number=number):
                    stub = T3Stub(version, dead_ms=20, grace_ms=300)
                    w = ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()})
                    stub.process.send_signal(number)
                    self.assertEqual(w.wait_close(), 1005)
                    self.assertEqual(stub.process.wait(), 130)
                    left = sorted(os.listdir(os.path.dirname(stub.database)))
                    self.assertNotIn("state.sqlite-wal", left)
                    self.assertNotIn("server-runtime.json", left)
                    self.assertGreater(os.path.getsize(stub.database), 4096)

    def test_old_waits_for_its_websockets(self):
        with T3Stub(OLD, dead_ms=20, grace_ms=60000) as stub:
            w = ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()})
            stub.process.send_signal(signal.SIGTERM)
            w.heartbeat()
            self.assertTrue(stub.process.alive())
            w.close()
            self.assertEqual(stub.process.wait(), 130)

    def test_refuse_stall_crash(self):
        with T3Stub(NEW, dead_ms=20) as stub:
            w = ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()})
            stub.refuse()
            self.assertEqual(w.wait_close(), -1)
            self.assertRaises(ConnectionRefusedError, http.get, stub.address, "/")
            stub.accept()
            self.assertEqual(http.get(stub.address, "/").status, 200)
            stub.stall()
            with http.Connection(stub.address, timeout=0.3) as c:
                c.send(http.build("GET", "/"))
                self.assertRaises(socket.timeout, c.fill)
                stub.resume()
                c.sock.settimeout(20)
                self.assertEqual(c.response().status, 200)
            stub.crash()
            self.assertRaises(ConnectionRefusedError, http.get, stub.address, "/")

    def test_six_mints_at_once(self):
        with T3Stub(NEW, dead_ms=20) as stub:
            mints = [subprocess.Popen(stub.mint_argv(), stdout=subprocess.PIPE, text=True) for _ in range(6)]
            minted = [m.communicate(timeout=60)[0] for m in mints]
            self.assertEqual([m.returncode for m in mints], [0] * 6)
            for text in minted:
                self.assertEqual(stub.exchange(re.search(r'"credential": "(\w+)"', text).group(1)).status, 200)


if __name__ == "__main__":
    unittest.main()

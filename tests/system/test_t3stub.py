#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stand-in for t3 behaves as the real versions were measured to, row by row."""
import gzip
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import time
import unittest

from lab import account, http, ports, process, wait, ws
from lab.stub import COOKIELESS, LATEST, NEW, NEXT, OLD, RENAMED, T3Stub

VERSIONS = (OLD, NEW, LATEST, NEXT)
RECENT = (LATEST, NEXT)  # what they have in common is tested for both
JSON = {"Content-Type": "application/json"}
OLD_NAME, NEW_NAME = "/api/auth/bootstrap", "/api/auth/browser-session"
INVALID = b'"reason":"invalid_credential"'

# What is posted to the pairing endpoint: (case, headers, body, {version, None for later ones: (status, words of the
# body or None: empty)})
PAIRING = (
    ("unknown credential", JSON, b'{"credential":"ABCDEFGHJKLM"}',
     {OLD: (401, b'{"error":"Invalid bootstrap credential."}'), NEW: (401, INVALID), None: (401, INVALID)}),
    ("malformed JSON", JSON, b'{"credential":', {OLD: (400, b'{"error":"Invalid bootstrap payload."}'), NEW: (500, None),
                                                 None: (400, None)}),
    ("empty object", JSON, b"{}", {OLD: (400, b"Invalid bootstrap payload."), NEW: (400, None), None: (400, None)}),
    ("empty body", JSON, b"", {OLD: (400, b"Invalid bootstrap payload."), NEW: (400, None), None: (400, None)}),
)


def post(stub, path, body, headers=None):
    return http.request(stub.address, "POST", path, JSON if headers is None else headers, body)


def credential_body(credential):
    return json.dumps({"credential": credential}).encode()


class Build(unittest.TestCase):
    def test_an_old_one_is_not_run(self):
        """make alone does not build it, and an old one may miss what a test waits for."""
        built = process.program(process.STUB)
        copy = shutil.copy(built, process.folder())
        sources = os.path.join(process.source_dir(), process.STUB_SOURCES)
        self.assertFalse(process.stale(copy, sources))
        os.utime(copy, (0, 0))
        self.assertTrue(process.stale(copy, sources))


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
                status, words = expected.get(version, expected[None])
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
            self.assertEqual("connectionProbe" in environment["capabilities"], version in RECENT)
            answer = http.request(stub.address, "OPTIONS", "/api/auth/session")
            self.assertEqual(answer.status, 204)
            self.assertEqual("dpop" in answer.header("access-control-allow-headers"), version != OLD)

    def test_minted_session_is_no_administrator(self):
        for version, stub in self.each():
            printed = re.search(r"^Token: (\w+)$", stub.process.log(), re.M).group(1)
            owner = stub.exchange(printed).header("set-cookie").split(";")[0]
            subject = "owner-bootstrap" if version == OLD else "administrative-bootstrap"
            self.assertEqual(stub.sql("SELECT subject FROM auth_pairing_links WHERE credential = ?", printed), [(subject,)])
            for path in ("/api/auth/clients", "/api/auth/pairing-links"):
                self.assertEqual(http.get(stub.address, path).status, 401)
                self.assertEqual(http.get(stub.address, path, {"Cookie": stub.cookie()}).status, 403)
                self.assertEqual(http.get(stub.address, path, {"Cookie": owner}).status, 200)

    def test_serve_prints_a_credential_and_a_picture(self):
        for version, stub in self.each():
            said = stub.process.log()
            last = {OLD: 30, NEW: 32, LATEST: 37, NEXT: 40}[version]
            self.assertRegex(said, rf"Migrations ran successfully, migrations: \[1, .*, {last}\]")
            self.assertRegex(said, r"Pairing URL: http://\S+#token=\w{12}")
            self.assertIn("\u2588", said)
            for provider in ("claude", "codex", "cursor", "grok", "opencode"):
                self.assertRegex(said, f"WARN .*{provider}")

    def test_recent_ones_compress_files(self):
        for version, stub in self.each():
            for path, least in (("/", 1), ("/assets/index-stub.js", 3_000_000)):
                plain = http.get(stub.address, path)
                packed = http.get(stub.address, path, {"Accept-Encoding": "gzip, deflate, br"})
                self.assertGreaterEqual(len(plain.body), least)
                self.assertEqual([plain.header(h) for h in ("cache-control", "etag", "last-modified")], [None] * 3)
                self.assertEqual(packed.header("content-encoding"), "gzip" if version in RECENT else None)
                body = gzip.decompress(packed.body) if version in RECENT else packed.body
                self.assertEqual(body, plain.body)
            vary = http.get(stub.address, "/api/auth/session").header("vary")
            self.assertEqual(vary, "Accept-Encoding" if version in RECENT else None)

    def test_recent_ones_have_a_shell_and_next_a_manifest(self):
        for version, stub in self.each():
            shell = "/api/orchestration/shell"
            self.assertEqual(http.get(stub.address, shell).status, 401 if version in RECENT else 200)
            answer = http.get(stub.address, shell, {"Cookie": stub.cookie()})
            self.assertEqual((answer.status, answer.header("content-type").partition(";")[0]),
                             (200, "application/json" if version in RECENT else "text/html"))
            manifest = http.get(stub.address, "/manifest.webmanifest").header("content-type")
            self.assertEqual(manifest, "application/manifest+json" if version == NEXT else "text/html; charset=utf-8")
            self.assertIn("text/html", http.get(stub.address, "/sw.js").header("content-type"))

    def test_http_1_0_and_head(self):
        for _version, stub in self.each():
            with http.Connection(stub.address) as c:
                c.send(http.build("GET", "/api/auth/session", version="HTTP/1.0"))
                answer = c.response()
                self.assertEqual((answer.version, answer.status, answer.header("connection")), ("HTTP/1.1", 200, "close"))
                self.assertTrue(c.at_end())
            self.assertEqual(http.request(stub.address, "HEAD", "/api/auth/session").status, 200)

    def test_dpop_and_bearer(self):
        for version, stub in self.each():
            token = stub.cookie().split("=", 1)[1]
            for headers, alive, method in (
                    ({"Authorization": "Bearer " + token}, True, "bearer-session-token" if version == OLD else
                     "bearer-access-token"),
                    ({"Authorization": "DPoP " + token, "DPoP": "proof"}, version != OLD, "dpop-access-token"),
                    ({"Authorization": "DPoP " + token}, False, None)):
                said = http.get(stub.address, "/api/auth/session", headers).json()
                self.assertEqual((said["authenticated"], said.get("sessionMethod")), (alive, method if alive else None))

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
                w.send('{"_tag":"Ack","requestId":"2"}')
                self.assertFalse(w.readable(0.2), "an Ack is never answered")
                ask = '{"_tag":"Request","id":"7","tag":"%s","payload":{"a":1},"headers":[]}'
                self.assertEqual(json.loads(w.ask(ask % "server.getSettings"))["requestId"], "7")
                self.assertEqual(json.loads(w.ask(ask % "subscribeServerLifecycle"))["values"][0]["type"], "welcome")
                self.assertEqual(json.loads(w.ask(ask % "nope"))["_tag"], "Exit" if version in RECENT else "Defect")
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
                                 "permessage-deflate" if version in RECENT else None)

    def test_request_ids_come_back_as_they_went(self):
        for version, stub in self.each():
            with ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()}) as w:
                for number in ("7", 8):
                    for tag, part in (("server.getSettings", "exit"), ("subscribeServerLifecycle", "values")):
                        answer = json.loads(w.ask(json.dumps({"_tag": "Request", "id": number, "tag": tag, "payload": {}})))
                        self.assertEqual(answer["requestId"], number)
                        self.assertIn(part, answer)
                activity = {"_tag": "Request", "id": 9, "tag": "server.reportClientActivity", "payload": {}}
                self.assertEqual(json.loads(w.ask(json.dumps(activity)))["_tag"], "Exit" if version in RECENT else "Defect")

    def test_chunks_and_bytes_of_the_lab(self):
        for _version, stub in self.each():
            with ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()}) as w:
                w.send(json.dumps({"_tag": "Request", "id": 1, "tag": "stub.chunks",
                                   "payload": {"every_ms": 10, "bytes": 500, "count": 3}}))
                chunks = [json.loads(w.text()) for _ in range(3)]
                self.assertEqual([(c["_tag"], c["values"][0]["left"], len(c["values"][0]["text"])) for c in chunks],
                                 [("Chunk", left, 500) for left in (2, 1, 0)])
                self.assertFalse(w.readable(0.1))
                w.send(json.dumps({"_tag": "Request", "id": 2, "tag": "stub.bytes", "payload": {"bytes": 200000}}))
                self.assertEqual(len(json.loads(w.text())["exit"]["value"]), 200000)

    def test_silence(self):
        """The server says nothing by itself, no PING either."""
        for _version, stub in self.each():
            with ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()}) as w:
                self.assertFalse(w.readable(0.5))

    def test_mute_websockets_beside_live_http(self):
        for _version, stub in self.each():
            cookie = {"Cookie": stub.cookie()}
            with ws.WebSocket(stub.address, "/ws", cookie) as w:
                stub.mute()
                w.send('{"_tag":"Ping"}')
                self.assertFalse(w.readable(0.2))
                self.assertEqual(http.get(stub.address, "/api/auth/session", cookie).json()["authenticated"], True)
                stub.mute(False)
                w.heartbeat()

    def test_upgrade_elsewhere_is_the_index_page(self):
        for _version, stub in self.each():
            with self.assertRaises(ws.Refused) as refused:
                ws.WebSocket(stub.address, "/other", {"Cookie": stub.cookie()})
            self.assertEqual(refused.exception.status, 200)
            self.assertEqual(http.get(stub.address, "/ws").status, 401)
            self.assertEqual(http.get(stub.address, "/ws", {"Cookie": stub.cookie()}).status, 400)

    def test_database_of_a_running_server(self):
        highest = {OLD: 30, NEW: 32, LATEST: 37, NEXT: 40}
        for version, stub in self.each():
            self.assertEqual(os.path.getsize(stub.database), 4096, "everything is in the -wal")
            with sqlite3.connect(stub.database) as db:
                tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
                self.assertLessEqual({"auth_pairing_links", "auth_sessions", "effect_sql_migrations"}, tables)
                self.assertEqual(len(tables), 17)
                self.assertEqual(db.execute("SELECT max(migration_id) FROM effect_sql_migrations").fetchone()[0],
                                 highest[version])
                self.assertEqual(db.execute("PRAGMA journal_mode").fetchone()[0], "wal")


class Deflate(unittest.TestCase):
    """permessage-deflate as the recent versions negotiate it."""

    def test_messages(self):
        for version in RECENT:
            for least in (0, 1024):
                with self.subTest(version=version, least=least), T3Stub(version, dead_ms=20, deflate_min=least) as stub:
                    cookie = {"Cookie": stub.cookie()}
                    with ws.WebSocket(stub.address, "/ws", cookie, deflate=True) as w:
                        sizes = [w.send('{"_tag":"Ping"}') for _ in range(4)]
                        self.assertLessEqual({4 <= n <= 17 for n in sizes}, {True}, sizes)
                        for _ in sizes:
                            self.assertEqual(w.text(), '{"_tag":"Pong"}')
                        sizes = [w.send('{"_tag":"Ack","requestId":%d}' % n) for n in range(4)]
                        self.assertLess(max(sizes[1:]), 25)
                        text = "z" * 200000
                        w.send(json.dumps({"_tag": "Request", "id": 1, "tag": "stub.echo", "payload": text}))
                        self.assertEqual(json.loads(w.text())["exit"]["value"], text)

    def test_wire(self):
        """Short answers travel as they are unless asked for; a compressed frame without negotiation is an error."""
        for least, rsv1 in ((1024, False), (0, True)):
            with T3Stub(NEXT, dead_ms=20, deflate_min=least) as stub:
                cookie = {"Cookie": stub.cookie()}
                with ws.WebSocket(stub.address, "/ws", cookie, deflate=True) as w:
                    w.send('{"_tag":"Ping"}')
                    self.assertEqual(w.frame()[3], rsv1)
                with ws.WebSocket(stub.address, "/ws", cookie) as w:
                    w.send_frame(ws.TEXT, b"\xaa\x56\x2a", rsv1=True)
                    self.assertEqual(w.wait_close(), 1002)
                with ws.WebSocket(stub.address, "/ws", cookie, deflate=True) as w:
                    w.send_frame(ws.TEXT, b"\xff\xff\xff", rsv1=True)
                    self.assertEqual(w.wait_close(), 1007)


class LaterBuilds(unittest.TestCase):
    """What was read of builds after NEXT, which say the same version."""

    def test_cookie_of_the_environment(self):
        with T3Stub(RENAMED, host="0.0.0.0", dead_ms=20) as stub:
            environment = http.get(stub.address, "/.well-known/t3/environment").json()
            name = "t3_session_" + environment["environmentId"].replace("-", "")[:12]
            self.assertEqual(environment["serverVersion"], NEXT)
            self.assertEqual(http.get(stub.address, "/api/auth/session").json()["auth"]["sessionCookieName"], name)
            cookie = stub.cookie()
            self.assertTrue(cookie.startswith(name + "="))
            with ws.WebSocket(stub.address, "/ws", {"Cookie": cookie}) as w:
                w.heartbeat()

    def test_migrates_a_live_session_of_before(self):
        first = T3Stub(NEXT, host="0.0.0.0", dead_ms=20)
        legacy = first.cookie()
        self.assertEqual(first.stop(), 130)
        with T3Stub(RENAMED, first.base, host="0.0.0.0", dead_ms=20) as stub:
            answer = http.get(stub.address, "/api/auth/session", {"Cookie": legacy})
            self.assertTrue(answer.json()["authenticated"])
            fresh = answer.header("set-cookie").split(";")[0]
            self.assertRegex(fresh, "^t3_session_[0-9a-f]{12}=" + re.escape(legacy.partition("=")[2]) + "$")
            again = http.get(stub.address, "/api/auth/session", {"Cookie": fresh + "; " + legacy})
            self.assertEqual((again.json()["authenticated"], again.header("set-cookie")), (True, None))
            with self.assertRaises(ws.Refused):
                ws.WebSocket(stub.address, "/ws", {"Cookie": legacy})
            dead = http.get(stub.address, "/api/auth/session", {"Cookie": "t3_session=dead"})
            self.assertEqual((dead.json()["authenticated"], dead.header("set-cookie")), (False, None))

    def test_pairing_without_a_cookie(self):
        with T3Stub(COOKIELESS, host="0.0.0.0", dead_ms=20) as stub:
            credential = stub.mint()
            answer = stub.exchange(credential)
            self.assertEqual((answer.status, answer.json()["authenticated"], answer.header("set-cookie")), (200, True, None))
            self.assertEqual(stub.exchange(credential).status, 401)


class Life(unittest.TestCase):
    def test_cookie_name_follows_the_bind_address(self):
        for version in VERSIONS:
            with T3Stub(version, host="127.0.0.1", dead_ms=20) as stub:
                auth = http.get(stub.address, "/api/auth/session").json()["auth"]
                self.assertEqual(auth["policy"], "loopback-browser")
                own = rf"^t3_session_{stub.port}_[0-9a-f]{{12}}$" if version in RECENT else "^t3_session$"
                self.assertRegex(auth["sessionCookieName"], own)
                self.assertTrue(stub.cookie().startswith(auth["sessionCookieName"] + "="))

    @staticmethod
    def started_early(version, **switches):
        """A server that listens and does not answer yet; and its port."""
        stub = T3Stub(version, start=False, dead_ms=1500, **switches)
        stub.process = process.Process([stub.program, "serve", "--base-dir", stub.base, "--host", "127.0.0.1", "--port", "0"],
                                       "t3stub", stub.env, as_account=True)
        runtime = os.path.join(stub.base, "userdata/server-runtime.json")
        wait.until(lambda: os.path.exists(runtime) and os.path.getsize(runtime), what="server-runtime.json")
        with open(runtime, encoding="utf-8") as f:
            return stub, json.load(f)["port"]

    def test_dead_window_never_answers(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                stub, port = self.started_early(version)
                with http.Connection(("127.0.0.1", port)) as early:
                    early.send(http.build("GET", "/"))
                    stub.process.wait_log("^Listening on")
                    self.assertEqual(http.get(("127.0.0.1", port), "/").status, 200)
                    early.sock.settimeout(0.3)
                    self.assertRaises(socket.timeout, early.fill)
                stub.process.kill()

    def test_unix_socket_means_ready(self):
        path = os.path.join(account.give(process.folder()), "t3.sock")
        with T3Stub(NEW, dead_ms=200, socket=path) as stub:
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                self.assertEqual(http.Connection.over(s).request("GET", "/api/auth/session").status, 200)
            self.assertEqual(http.get(stub.address, "/").status, 200)
            for _ in range(20):  # refused upgrades over it end nobody
                s = socket.socket(socket.AF_UNIX)
                s.connect(path)
                c = http.Connection.over(s)
                c.send(http.build("GET", "/ws", {"Connection": "Upgrade", "Upgrade": "websocket"}))
                c.close()
            self.assertEqual(http.get(stub.address, "/").status, 200)
            self.assertEqual(stub.stop(), 130)
            self.assertFalse(os.path.exists(path))

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
                                        (LATEST, NEW, True), (LATEST, NEXT, True)):
            with self.subTest(before=before, after=after):
                first = T3Stub(before, host="0.0.0.0", dead_ms=20)
                cookie, pending = first.cookie(), first.mint()
                self.assertEqual(first.stop(), 130)
                with T3Stub(after, first.base, host="0.0.0.0", dead_ms=20) as second:
                    answer = http.get(second.address, "/api/auth/session", {"Cookie": cookie})
                    self.assertEqual((answer.status, answer.json()["authenticated"]), (200, survives))
                    self.assertEqual(second.exchange(pending).status, 200 if survives else 401)
                    self.assertEqual(second.exchange(second.mint()).status, 200)

    def test_newer_database_that_goes_on_working(self):
        """Nothing of auth changed between 32 and 37."""
        base = os.path.join(account.give(process.folder()), ".t3")
        T3Stub(LATEST, base, start=False).mint()
        with T3Stub(NEW, base, host="0.0.0.0", dead_ms=20) as older:
            self.assertIn("Migrations ran successfully, migrations: []", older.process.log())
            self.assertEqual(older.exchange(older.mint()).status, 200)

    def test_older_program_on_a_newer_database(self):
        base = os.path.join(account.give(process.folder()), ".t3")
        newer = T3Stub(NEW, base, start=False)
        newer.mint()
        with T3Stub(OLD, base, host="0.0.0.0", dead_ms=20) as old:
            done = subprocess.run(old.mint_argv(), capture_output=True, text=True, check=False, **account.popen_options())
            self.assertEqual((done.returncode, done.stderr), (1, ""))
            self.assertIn("Failed to create pairing link", done.stdout)
            self.assertIn("Migrations ran successfully, migrations: []", old.process.log())
            self.assertEqual(http.get(old.address, "/").status, 200)
            self.assertFalse(http.get(old.address, "/api/auth/session").json()["authenticated"])
            answer = old.exchange(newer.mint())
            self.assertEqual((answer.status, answer.body), (500, b'{"error":"Failed to validate bootstrap credential."}'))

    def test_goodbye(self):
        """A close frame without a code, a raw HTTP answer on the upgraded socket, FIN; exit code 130."""
        for version in VERSIONS:
            for number in (signal.SIGTERM, signal.SIGINT):
                with self.subTest(version=version, number=number):
                    stub = T3Stub(version, dead_ms=20, grace_ms=300, time=0.1)
                    with ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()}) as w:
                        stub.process.send_signal(number)
                        data = w.conn.read_to_end()
                    self.assertEqual(data[:2], b"\x88\x00")
                    self.assertTrue(data[2:].startswith(b"HTTP/1.1 503 Service Unavailable\r\n"), data)
                    self.assertEqual(stub.process.wait(), 130)
                    left = sorted(os.listdir(os.path.dirname(stub.database)))
                    self.assertNotIn("state.sqlite-wal", left)
                    self.assertNotIn("server-runtime.json", left)
                    self.assertGreater(os.path.getsize(stub.database), 4096)

    def seconds_to_stop(self, version, open_, **switches):
        """From SIGTERM to the end, in the server's own measure."""
        factor = 0.05
        stub = T3Stub(version, dead_ms=20, time=factor, **switches)
        w = open_(stub)
        begun = time.monotonic()
        stub.process.send_signal(signal.SIGTERM)
        self.assertEqual(stub.process.wait(), 130)
        w.close()
        return (time.monotonic() - begun) / factor

    def test_time_of_a_stop(self):
        """(version, what is open, egress, least seconds); the others are done long before that."""
        def nothing(stub):
            return http.Connection(stub.address)

        def websocket(stub):
            return ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()}).conn

        for version, open_, egress, least in (
                (OLD, nothing, "fails", 0), (OLD, websocket, "fails", 20), (OLD, websocket, "dropped", 34.7),
                (NEW, websocket, "fails", 0), (NEW, websocket, "dropped", 15.2), (LATEST, websocket, "fails", 0),
                (LATEST, websocket, "dropped", 15.3), (NEXT, websocket, "fails", 1.2), (NEXT, websocket, "dropped", 15)):
            with self.subTest(version=version, open=open_.__name__, egress=egress):
                seconds = self.seconds_to_stop(version, open_, egress=egress)
                self.assertGreaterEqual(seconds, least)

    def test_hung_connection_delays_the_stop_of_the_old_one(self):
        for version, slow in ((OLD, True), (NEW, False), (LATEST, False)):
            with self.subTest(version=version):
                stub, port = self.started_early(version, grace_ms=60000 if slow else 0)
                with http.Connection(("127.0.0.1", port)) as early:
                    early.send(http.build("GET", "/"))
                    stub.process.wait_log("^Listening on")
                    stub.process.send_signal(signal.SIGTERM)
                    if slow:
                        wait.until(lambda at=port: not ports.open_(at), what="the listener is closed")
                        self.assertTrue(stub.process.alive())
                        early.close()
                    self.assertEqual(stub.process.wait(), 130)

    def test_old_waits_for_its_websockets(self):
        with T3Stub(OLD, dead_ms=20, grace_ms=60000) as stub:
            w = ws.WebSocket(stub.address, "/ws", {"Cookie": stub.cookie()})
            stub.process.send_signal(signal.SIGTERM)
            w.heartbeat()
            self.assertTrue(stub.process.alive())
            w.close()
            self.assertEqual(stub.process.wait(), 130)

    # ---- refused upgrades

    @staticmethod
    def refused_upgrade(stub):
        c = http.Connection(stub.address)
        c.send(http.build("GET", "/ws", {"Connection": "Upgrade", "Upgrade": "websocket", "Cookie": "t3_session=dead",
                                         "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "eA=="}))
        return c

    def leave_by_reset(self, stub):
        c = self.refused_upgrade(stub)
        c.response()
        c.reset()

    def leave_before_the_answer(self, stub):
        """Its FIN is there before the server looks."""
        stub.stall()
        self.refused_upgrade(stub).close()
        stub.resume()
        wait.until(lambda: not stub.process.alive() or self.is_idle(stub), what="the server has answered")

    @staticmethod
    def is_idle(stub):
        """Nothing that arrived waits for it."""
        with open(f"/proc/{stub.process.pid}/wchan", encoding="ascii") as f:
            waiting = f.read()
        return "epoll" in waiting and process.state(stub.process.pid) == "S"

    def leaves_survived(self, version, leave, most):
        with T3Stub(version, dead_ms=20) as stub:
            for n in range(most):
                try:
                    leave(stub)
                    stub.exchange("nobody's")
                except (OSError, EOFError):
                    self.assertEqual(stub.process.wait(), 1)
                    self.assertIn("Unhandled 'error' event", stub.process.log())
                    return n
            return most

    def test_dies_of_refused_upgrades_that_clients_leave(self):
        for version in VERSIONS:
            for leave, least, most in ((self.leave_by_reset, 4, 9), (self.leave_before_the_answer, 29, 84)):
                with self.subTest(version=version, leave=leave.__name__):
                    survived = self.leaves_survived(version, leave, most)
                    if version == NEXT:
                        self.assertEqual(survived, most)
                    else:
                        self.assertGreaterEqual(survived, least)
                        self.assertLess(survived, most)

    def test_refused_upgrades_that_are_read_to_the_end_do_no_harm(self):
        with T3Stub(NEW, dead_ms=20) as stub:
            for _ in range(200):
                with self.refused_upgrade(stub) as c:
                    self.assertEqual(c.response().status, 401)
                    self.assertTrue(c.at_end())
            self.assertTrue(stub.process.alive())

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

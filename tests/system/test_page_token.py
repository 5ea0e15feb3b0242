#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The status pages behind page_token_file."""
import os
import socket
import unittest

from lab import account, chromium, http, wait
from lab.daemon import Daemon

TOKEN = "correct-horse-battery-staple"
BEARER = [("Authorization", f"Bearer {TOKEN}")]
HTML = [("Accept", "text/html")]
PATHS = ("/", "/metrics", "/status", "/verdicts", "/users", "/live", "/no-such-page")


class PageToken(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon({}, 'plugin "probe_echo" {}\n', start=False)
        self.file = os.path.join(self.daemon.dir, "token")
        self.write(TOKEN + "\n")
        self.daemon.options["page_token_file"] = self.file
        self.daemon.write_conf()
        self.daemon.start()
        self.addCleanup(self.daemon.stop)

    def write(self, text):
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.file, 0o640)
        account.give(self.file)

    def get(self, path, headers=()):
        return http.get(self.daemon.monitor, path, headers)

    def sign_in(self, token, headers=()):
        body = f"token={token}".encode()
        return http.request(self.daemon.monitor, "POST", "/sign-in", [("Content-Type", "application/x-www-form-urlencoded"), *headers], body)

    def test_who_is_let_in(self):
        for path in PATHS:
            self.assertEqual(self.get(path).status, 401, path)
            self.assertEqual(self.get(path, [("Authorization", f"Bearer {TOKEN}x")]).status, 401, path)
        for path in PATHS[1:5]:
            self.assertEqual(self.get(path, BEARER).status, 200, path)
        self.assertEqual(self.get("/status").header("www-authenticate"), "Bearer")
        self.assertEqual(self.get("/", BEARER + HTML).status, 200)
        for path in ("/healthz", "/site.css"):
            self.assertEqual(self.get(path).status, 200, path)
        metrics = self.get("/metrics", BEARER).text()
        self.assertIn(f"t3ops_status_sign_in_refused_total {len(PATHS)}\n", metrics)
        self.daemon.wait_log(r"event=status_sign_in_refused peer=127.0.0.1 ")
        self.assertNotIn(TOKEN, self.daemon.log() + metrics + self.get("/status", BEARER).text())

    def test_sign_in(self):
        form = self.get("/", HTML)
        self.assertEqual(form.status, 401)
        self.assertIn("<form method=post action=/sign-in>", form.text())
        self.assertIn("form-action 'self'", form.header("content-security-policy"))
        self.assertEqual(form.header("cache-control"), "no-store")
        wrong = self.sign_in("something-else-that-is-long")
        self.assertEqual((wrong.status, wrong.header("set-cookie")), (403, None))
        done = self.sign_in(TOKEN)
        self.assertEqual((done.status, done.header("location")), (303, "/"))
        cookie = done.header("set-cookie")
        self.assertRegex(cookie, r"^t3ops_page=[0-9a-f]{16}\.[0-9a-f]{64}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict$")
        self.assertNotIn(TOKEN, cookie)
        shown = [("Cookie", cookie.partition(";")[0])]
        page = self.get("/", shown + HTML)
        self.assertEqual(page.status, 200)
        self.assertIn("form-action 'none'", page.header("content-security-policy"))
        self.assertTrue(self.sign_in(TOKEN, [("X-Forwarded-Proto", "https")]).header("set-cookie").endswith("; Secure"))

    def test_another_token(self):
        shown = [("Cookie", self.sign_in(TOKEN).header("set-cookie").partition(";")[0])]
        self.assertEqual(self.get("/status", shown).status, 200)
        self.write("another-token-altogether\n")
        self.assertIn("event=reloaded", self.daemon.reload())
        wait.until(lambda: self.get("/status", shown).status == 401, what="the monitor of before to accept nobody any more")
        self.assertEqual(self.get("/status", BEARER).status, 401)
        self.assertEqual(self.get("/status", [("Authorization", "Bearer another-token-altogether")]).status, 200)
        self.write("short\n")
        self.assertRegex(self.daemon.reload(), r"t3ops.conf:\d+: .*page_token_file.*fewer than 16 bytes")
        self.assertEqual(self.get("/status").status, 401)

    def test_none_is_asked_for_without_the_option(self):
        del self.daemon.options["page_token_file"]
        self.daemon.write_conf()
        self.daemon.reload()
        self.assertEqual(self.get("/status").status, 200)
        self.assertEqual(self.sign_in(TOKEN).status, 404)

    def raw(self, text):
        with socket.create_connection(self.daemon.monitor, 10) as s:
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
            return s.makefile("rb").readline()

    def test_forms_that_are_none(self):
        for fields in (b"", b"Content-Length: 9999\r\n", b"Content-Length: x\r\n", b"Content-Length: 1\r\nContent-Length: 1\r\n",
                       b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"):
            self.assertIn(b" 400 ", self.raw(b"POST /sign-in HTTP/1.1\r\nHost: lab\r\n" + fields + b"\r\nabc"), fields)
        self.assertIn(b" 421 ", self.raw(b"POST /sign-in HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1\r\n\r\na"))
        self.assertEqual(self.raw(b"POST /sign-in HTTP/1.1\r\nHost: lab\r\nContent-Length: 100\r\n\r\nabc"), b"")
        self.assertIn(b" 405 ", self.raw(b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: 0\r\n\r\n"))
        self.assertEqual(self.get("/status", BEARER).status, 200)

    @unittest.skipUnless(chromium.program(), "there is no Chromium")
    def test_in_a_browser(self):
        browser = chromium.Chromium()
        self.addCleanup(browser.stop)
        tab = browser.visitor().blank()

        def js(expression):
            try:
                return tab.js(expression)
            except chromium.ProtocolError:
                return None

        tab.navigate("http://%s:%d/?range=1h" % self.daemon.monitor)
        wait.until(lambda: js("document.querySelector('#token') && 1"), what="the form")
        js(f"document.querySelector('#token').value = '{TOKEN}'; document.forms[0].submit()")
        wait.until(lambda: js("document.querySelector('#live.on') && 1"), what="the page, live")


if __name__ == "__main__":
    unittest.main()

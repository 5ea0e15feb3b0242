#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A cache between that keeps answers by their URL, as Cloudflare and nginx do: no user is ever served another's,
whatever the t3 servers say of theirs."""
import unittest

from lab import edge, http
from lab.daemon import Daemon
from lab.origin import Origin, answer

CACHE = "proxy_cache_path FOLDER/cache keys_zone=keep:1m max_size=10m inactive=1h;"
KEEP = "proxy_cache keep; add_header X-Cache $upstream_cache_status always;"
LATER = "Thu, 31 Dec 2099 00:00:00 GMT"

# What careless and hostile t3 servers say.
WORDS = {
    "nothing": [],
    "public": [("Cache-Control", "public, max-age=3600")],
    "shared": [("Cache-Control", "s-maxage=3600")],
    "odd-case": [("cAcHe-CoNtRoL", "PuBlIc,S-MaXaGe=3600")],
    "two-lines": [("Cache-Control", "private"), ("Cache-Control", "public, max-age=3600")],
    "other-order": [("Cache-Control", "public, max-age=3600"), ("Cache-Control", "private")],
    "quoted": [("Cache-Control", 'public, max-age="3600", private="X-Secret"')],
    "open-quote": [("Cache-Control", 'private="x, max-age=3600, public')],
    "semicolons": [("Cache-Control", "max-age=3600;public")],
    "expires": [("Expires", LATER)],
    "expires-and-age": [("Expires", LATER), ("Cache-Control", "max-age=3600")],
    "surrogate": [("Surrogate-Control", "max-age=3600")],
    "accel": [("X-Accel-Expires", "3600")],
    "accel-and-private": [("X-Accel-Expires", "@4000000000"), ("Cache-Control", "private, no-store")],
    "cdn": [("CDN-Cache-Control", "public, max-age=3600"), ("Cloudflare-CDN-Cache-Control", "max-age=3600")],
    "hop": [("Connection", "Vary, CDN-Cache-Control"), ("Cache-Control", "public, max-age=3600")],
    "vary-star": [("Vary", "*"), ("Cache-Control", "public, max-age=3600")],
}


def page(name, words):
    def say(c, _):
        c.send(answer(name.encode(), headers=[("Content-Type", "text/html"), *words]))
    return say


def handlers(name):
    pages = {f"/{path}": page(name, words) for path, words in WORDS.items()}
    pages["/moved"] = lambda c, _: c.send(answer(name.encode(), "301 Moved Permanently", [("Location", f"/{name}")]))
    pages["/gone"] = lambda c, _: c.send(answer(name.encode(), "404 Not Found", [("Cache-Control", "public, max-age=3600")]))
    pages["/assets/app.js"] = page("the same", [("Cache-Control", "public, max-age=3600, immutable")])
    pages["/assets/cookie.js"] = page(name, [("Cache-Control", "public, max-age=3600"), ("Set-Cookie", "a=1")])
    return pages


class Caching(unittest.TestCase):
    def setUp(self):
        self.origins = {name: Origin(handlers(name)) for name in ("alice", "bob")}
        for o in self.origins.values():
            self.addCleanup(o.stop)

    def daemon(self, **options):
        d = Daemon(options, 'plugin "probe_echo" {}\n', users={name: o.port for name, o in self.origins.items()})
        self.addCleanup(d.stop)
        return d

    def cache(self, d):
        e = edge.Nginx(d.proxy, KEEP, CACHE)
        self.addCleanup(e.stop)
        return lambda path, user: http.get(e.address, path, {"X-Test-User": user})

    @edge.needs_nginx
    def test_no_user_is_served_what_another_was(self):
        get = self.cache(self.daemon())
        for path in (*WORDS, "moved", "gone", "assets/app.js"):
            for user in ("alice", "bob", "alice", "bob"):
                r = get("/" + path, user)
                self.assertNotEqual(r.header("x-cache"), "HIT", path)
                if path != "assets/app.js":
                    self.assertEqual(r.text(), user, path)
            self.assertEqual([len(o.requests("/" + path)) for o in self.origins.values()], [2, 2], path)

    @edge.needs_nginx
    def test_what_is_the_same_for_all_is_kept(self):
        get = self.cache(self.daemon(shared_paths=["/assets"]))
        self.assertEqual([get("/assets/app.js", u).header("x-cache") for u in ("alice", "bob")], ["MISS", "HIT"])
        self.assertEqual([len(o.requests("/assets/app.js")) for o in self.origins.values()], [1, 0])
        for user in ("alice", "bob", "alice"):
            self.assertEqual(get("/assets/cookie.js", user).text(), user, "a cookie is one user's")
            self.assertEqual(get("/public", user).text(), user)

    def test_what_leaves(self):
        d = self.daemon(shared_paths=["/assets"])
        for path in WORDS:
            r = http.get(d.proxy, "/" + path, {"X-authentik-username": "alice"})
            words = ", ".join(r.all("cache-control")).lower()
            self.assertEqual(len(r.all("cache-control")), 1, path)
            self.assertIn("private", words, path)
            self.assertNotRegex(words.replace('private="x-secret"', ""), "public|s-maxage", path)
            self.assertEqual(r.all("cdn-cache-control"), ["no-store"], path)
            self.assertRegex(", ".join(r.all("vary")), r"Cookie|\*", path)
            self.assertNotIn(LATER, str(r.headers), path)
            for name in ("surrogate-control", "x-accel-expires", "cloudflare-cdn-cache-control"):
                self.assertEqual(r.all(name), [], path)
        self.assertEqual(http.get(d.proxy, "/public", {"X-authentik-username": "alice"}).header("cache-control"),
                         "private, max-age=3600", "the browser may keep it")
        r = http.get(d.proxy, "/assets/app.js", {"X-authentik-username": "bob"})
        self.assertEqual(r.header("cache-control"), "public, max-age=3600, immutable")
        self.assertIsNone(r.header("cdn-cache-control"))

    def test_what_t3ops_says_itself(self):
        d = self.daemon()
        for target, headers in (("/", {}), ("/", {"X-authentik-username": "mallory"}), ("/healthz", {}),
                                ("/", {"X-authentik-username": "alice", "X-Bad\x01": "1"})):
            self.assertEqual(http.get(d.proxy, target, headers).all("cache-control"), ["no-store"], (target, headers))


if __name__ == "__main__":
    unittest.main()

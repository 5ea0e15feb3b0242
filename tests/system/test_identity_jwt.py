#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""identity_jwt: an identity header counts with a signed token for it, and no forgery of either gets anywhere; whatever
becomes of the issuer's keys."""
import glob
import json
import os
import re
import socket
import subprocess
import time
import unittest

from lab import account, http, process, tokens, wait, ws
from lab.daemon import Daemon, plugin_dir, section
from lab.origin import Origin
from lab.talk import RawEcho
from lab.tokens import Issuer, claims, key_for, key_set, sign

USER, HEADER = "X-authentik-username", "Cf-Access-Jwt-Assertion"
PUBLIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
KEYS = {}  # making one takes a moment


def key(name, algorithm="RS256"):
    if (name, algorithm) not in KEYS:
        KEYS[name, algorithm] = key_for(algorithm, name)
    return KEYS[name, algorithm]


def options(**changes):
    every = {"header": HEADER, "issuer": tokens.ISSUER, "audience": [tokens.AUDIENCE], "algorithms": ["RS256", "ES256"], **changes}
    return {k: v for k, v in every.items() if v is not None}


def missing():
    if tokens.jwk is None:
        return "python3-jwcrypto is missing"
    if not glob.glob(plugin_dir() + "/identity_jwt.so"):
        return "built without cjose"
    return None


@unittest.skipIf(missing(), missing())
class Case(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)

    def issuer(self, *keys, headers=()):
        issuer = Issuer(key_set(*keys), headers)
        self.addCleanup(issuer.stop)
        return issuer

    def daemon(self, core=None, sections="", env=None, **changes):
        users = {n: self.origin.port for n in ("alice", "bob")}
        d = Daemon(core, section("plugin", "identity_jwt", options(**changes)) + 'plugin "probe_echo" {}\n' + sections, users, env)
        self.addCleanup(d.stop)
        return d

    def get(self, d, token, user="alice", path="/hello", more=()):
        return http.get(d.proxy, path, [(USER, user)] + ([(HEADER, token)] if token is not None else []) + list(more))

    def result(self, d, result):
        return d.metrics().get(f't3ops_identity_proofs_total{{plugin="identity_jwt",result="{result}"}}', 0)

    def refused(self, d, token, reason, **how):
        """403, counted and reported with that reason, and nothing reaches the t3 server."""
        before, seen = self.result(d, reason), len(self.origin.seen)
        r = self.get(d, token, **how)
        self.assertEqual(r.status, 403, reason)
        self.assertEqual(self.result(d, reason), before + 1, reason)
        self.assertEqual(len(self.origin.seen), seen)
        d.wait_log(rf"event=identity_refused .*user=alice .*http_status=403 .*error=\"{reason}: ")
        return r


class Tokens(Case):
    def test_every_algorithm(self):
        keys = {a: key(a, a) for a in PUBLIC}
        issuer = self.issuer(*keys.values())
        d = self.daemon(algorithms=PUBLIC, jwks_url=issuer.url)
        for algorithm, k in keys.items():
            token = sign(k, algorithm, claims())
            self.assertEqual(self.get(d, token).status, 200, algorithm)
            self.assertEqual(self.get(d, token).status, 200, algorithm)
            head, body, signature = token.split(".")
            self.refused(d, f"{head}.{body}.{signature[:-8]}AAAAAAAA", "signature")
            self.refused(d, f"{head}.{tokens.encode(claims('bob'))}.{signature}", "signature", user="alice")
        self.assertEqual(self.result(d, "proven"), len(PUBLIC))
        self.assertEqual(self.result(d, "kept"), len(PUBLIC))
        self.assertEqual(issuer.asked, 1)
        self.assertEqual({r.header(HEADER) for r in self.origin.seen}, {None}, "the token ends at t3ops")
        self.assertEqual({r.header(USER) for r in self.origin.requests("/hello")}, {r.header(USER) for r in self.origin.seen})
        d.wait_log(r"event=signing_keys_loaded .*detail=\"http://127\S+: 9 keys: RS256 \(RS256 RS384 RS512 PS256 PS384 PS512\), ")

    def test_forgeries(self):
        good, other = key("good"), key("other")
        d = self.daemon(jwks_url=self.issuer(good, key("ec", "ES256")).url)
        pem, stolen = good.export_to_pem(), key("good2")
        now = int(time.time())
        for token, reason in (
                (None, "missing"), ("", "missing"), ("alice", "malformed"), ("a.b.c", "malformed"), ("a.b.c.d", "malformed"),
                (tokens.unsigned(claims()), "malformed"), (tokens.unsigned(claims(), "AAAA"), "algorithm"),
                (tokens.unsigned(claims(), "AAAA", alg="NONE"), "algorithm"),
                (tokens.by_secret(pem, claims(), kid="good"), "algorithm"),
                (tokens.by_secret(key_set(good), claims(), kid="good"), "algorithm"),
                (sign(good, "RS512", claims()), "algorithm"),
                (sign(other, "RS256", claims(), kid="good"), "signature"),
                (sign(other, "RS256", claims(), kid="good", jwk=other.export_public(as_dict=True)), "signature"),
                (sign(other, "RS256", claims(), kid="good", jku="http://127.0.0.1:1/jwks", x5u="http://127.0.0.1:1/"), "signature"),
                (sign(good, "RS256", claims(), kid="ec"), "key"), (sign(other, "RS256", claims()), "key"),
                (sign(other, "RS256", claims(), kid=None), "signature"), (sign(stolen, "RS256", claims(), kid="../good"), "key"),
                (sign(good, "RS256", claims(exp=now - 31)), "expired"), (sign(good, "RS256", claims(exp=None)), "claims"),
                (sign(good, "RS256", claims(exp="never")), "claims"), (sign(good, "RS256", claims(nbf=now + 100)), "early"),
                (sign(good, "RS256", claims(iat=now + 100)), "early"), (sign(good, "RS256", claims(aud="other")), "audience"),
                (sign(good, "RS256", claims(aud=None)), "audience"), (sign(good, "RS256", claims(aud=["a", "b"])), "audience"),
                (sign(good, "RS256", claims(aud=[tokens.AUDIENCE, 5])), "claims"),
                (sign(good, "RS256", claims(iss="https://issuer.example.com/")), "issuer"),
                (sign(good, "RS256", claims(iss=None)), "issuer"), (sign(good, "RS256", claims(iss=[tokens.ISSUER])), "issuer"),
                (sign(good, "RS256", claims("bob")), "other_user"), (sign(good, "RS256", claims("nobody")), "other_user"),
                (sign(good, "RS256", claims(None)), "no_user"), (sign(good, "RS256", claims(email=["alice"])), "no_user"),
                (sign(good, "RS256", '{"iss":"%s","aud":"%s","exp":%d,"email":"bob","email":"alice"}'
                      % (tokens.ISSUER, tokens.AUDIENCE, now + 100)), "claims"),
                (sign(good, "RS256", "[]"), "claims"), (sign(good, "RS256", claims(x="y" * 8000)), "size")):
            with self.subTest(token=token, reason=reason):
                r = self.refused(d, token, reason)
                self.assertIn("identity_refused", r.text())
                if token:
                    self.assertNotIn(token, r.text())
        self.assertEqual(self.get(d, sign(good, "RS256", claims())).status, 200)
        self.assertEqual(self.origin.requests("/hello")[-1].header(HEADER), None)

    def test_nobody_learns_which_names_exist(self):
        """Without a proof a name that the user table lacks is answered as one that it has; with one it is said."""
        good = key("good")
        d = self.daemon({"identity_ignore_case": True}, jwks_url=self.issuer(good).url)
        for path in ("/hello", "/t3ops/me", "/ws"):
            for token in (None, "alice", sign(key("other"), "RS256", claims(), kid="good"), sign(good, "RS256", claims("carol"))):
                answers = [self.get(d, token, user, path) for user in ("alice", "nobody")]
                self.assertEqual([a.status for a in answers], [403, 403], (path, token))
                self.assertEqual(*[a.text().replace("nobody", "alice") for a in answers])
                self.assertEqual(*[sorted(n.lower() for n, _ in a.headers) for a in answers])
        d.wait_log(r"event=identity_refused ")
        for user in ("nobody", "NOBODY"):
            r = self.get(d, sign(good, "RS256", claims("nobody")), user)
            self.assertEqual(r.status, 403)
            self.assertIn("No t3 server for your account", r.text())
        self.assertEqual(self.origin.seen, [])

    def test_what_is_read_in_one_way_only(self):
        good = key("good")
        d = self.daemon(jwks_url=self.issuer(good).url)
        token = sign(good, "RS256", claims())
        self.refused(d, token, "repeated", more=[(HEADER, token)])
        for head in ('{"alg":"RS256","alg":"RS256","kid":"good"}', '{"alg":"RS256","kid":["good"]}', '["RS256"]', '{"alg":256}', "{}"):
            self.refused(d, ".".join([tokens.encode(head), *token.split(".")[1:]]), "malformed")
        self.refused(d, ".".join([tokens.encode('{"alg":"RS256","kid":"good","crit":["b64"],"b64":false}'), *token.split(".")[1:]]), "critical")
        self.refused(d, token.replace(".", ".=", 1), "malformed")

    def test_what_counts(self):
        good = key("good")
        d = self.daemon({"identity_ignore_case": True, "identity_strip_domain": True}, audience=["first", "second"],
                        algorithms=["RS256"], jwks_url=self.issuer(good).url, claim="preferred_username")
        now = int(time.time())
        for body in (claims(aud="second", preferred_username="alice"), claims(aud=["x", "first"], preferred_username="ALICE"),
                     claims(aud="first", preferred_username="alice@example.com", exp=now - 20, nbf=now + 20),
                     claims(aud="first", preferred_username="alice", nbf=None, iat=None, exp=now + 9.5)):
            self.assertEqual(self.get(d, sign(good, "RS256", body), "Alice@example.com").status, 200, body)
        self.assertEqual(self.get(d, sign(good, "RS256", claims(aud="first", preferred_username="alice"), kid=None)).status, 200,
                         "a single key needs no id")
        self.refused(d, sign(good, "RS256", claims(aud="first", preferred_username="bob@example.com")), "other_user")

    def test_before_anything_else(self):
        """Not even t3ops' own pages believe a header without its token; public paths need none."""
        good = key("good")
        d = self.daemon(jwks_url=self.issuer(good).url)
        token = sign(good, "RS256", claims())
        self.refused(d, None, "missing", path="/t3ops/me")
        self.assertEqual(self.get(d, token, path="/t3ops/me").status, 200)
        self.assertEqual(http.get(d.proxy, "/probe/healthz").status, 200)
        self.assertEqual(self.get(d, None, path="/probe/healthz").status, 200)
        self.assertEqual(http.get(d.proxy, "/hello", [(HEADER, token)]).status, 403, "the token alone names nobody")
        self.assertEqual(self.get(d, token, "carol").status, 403)
        self.assertEqual(self.result(d, "missing"), 1)

    def test_websockets(self):
        """Checked when it opens; it stays when the token expires, and the token opens no other one."""
        good = key("good")
        d = self.daemon(jwks_url=self.issuer(good).url, leeway="0s")
        with self.assertRaises(ws.Refused) as refused:
            ws.WebSocket(d.proxy, "/ws", [(USER, "alice")]).__enter__()
        self.assertEqual(refused.exception.status, 403)
        until = int(time.time()) + 3
        with ws.WebSocket(d.proxy, "/ws", [(USER, "alice"), (HEADER, sign(good, "RS256", claims(exp=until)))]) as w:
            token = sign(good, "RS256", claims(exp=until, jti="2"))
            wait.until(lambda: time.time() > until, what="the token to expire")
            self.refused(d, token, "expired")
            w.send_frame(ws.TEXT, b"still here", mask=False)  # which comes back as it went
            self.assertEqual(w.text(), "still here")

    def test_two_sections(self):
        """All must agree."""
        first, second = key("good"), key("other")
        d = self.daemon(jwks_url=self.issuer(first).url, sections=section(
            "plugin", "second", {"module": "identity_jwt", **options(header="X-Pomerium-Jwt-Assertion", jwks_url=self.issuer(second).url)}))
        token = sign(first, "RS256", claims())
        self.assertEqual(self.get(d, token).status, 403)
        self.assertEqual(self.get(d, token, more=[("X-Pomerium-Jwt-Assertion", sign(second, "RS256", claims()))]).status, 200)
        self.assertEqual(self.get(d, token, more=[("X-Pomerium-Jwt-Assertion", sign(second, "RS256", claims("bob")))]).status, 403)

    def test_reports_are_few(self):
        good = key("good")
        d = self.daemon(jwks_url=self.issuer(good).url)
        for _ in range(20):
            self.assertEqual(self.get(d, sign(good, "RS256", claims("bob"))).status, 403)
        self.assertEqual(len(re.findall("event=identity_refused", d.log())), 1)
        self.assertEqual(self.result(d, "other_user"), 20)

    def test_more_tokens_than_are_kept(self):
        good = key("good")
        d = self.daemon(jwks_url=self.issuer(good).url, kept=2)
        all_ = [sign(good, "RS256", claims(jti=str(i))) for i in range(3)]
        for token in (all_[0], all_[1], all_[0], all_[2], all_[0], all_[1]):
            self.assertEqual(self.get(d, token).status, 200)
        self.assertEqual((self.result(d, "proven"), self.result(d, "kept")), (4, 2))
        self.assertEqual(d.metrics()['t3ops_identity_proofs_forgotten_total{plugin="identity_jwt"}'], 2)
        d.wait_log("event=proofs_full .*kept")


class Secrets(Case):
    """Authentik signs with the client secret of the provider."""

    def secret(self, text):
        path = os.path.join(process.folder(), "secret")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(path, 0o640)
        return account.give(path)

    def test_hs256(self):
        secret = "s3cret-of-the-provider-" * 4
        d = self.daemon(header="X-authentik-jwt", algorithms=["HS256"], secret_file=self.secret(secret + "\n"), claim="preferred_username")
        token = tokens.by_secret(secret.encode(), claims(preferred_username="alice"))
        self.assertEqual(http.get(d.proxy, "/hello", [(USER, "alice"), ("X-authentik-jwt", token)]).status, 200)
        for token in (tokens.by_secret(b"another" * 9, claims(preferred_username="alice")),
                      tokens.by_secret(secret.encode() + b"\n", claims(preferred_username="alice")),
                      sign(key("good"), "RS256", claims(preferred_username="alice"))):
            self.assertEqual(http.get(d.proxy, "/hello", [(USER, "alice"), ("X-authentik-jwt", token)]).status, 403)
        self.assertEqual((self.result(d, "signature"), self.result(d, "algorithm")), (2, 1))


class Keys(Case):
    """The issuer's: rotated, gone, late, wrong."""

    def test_rotation(self):
        """A token by a key that is not known waits for one fetch.  If that fails the keys of before stay; those that are
        gone prove nothing any more."""
        old, new = key("good"), key("other")
        issuer = self.issuer(old)
        d = self.daemon(jwks_url=issuer.url)
        before = sign(old, "RS256", claims())
        self.assertEqual(self.get(d, before).status, 200)
        self.refused(d, sign(new, "RS256", claims()), "key")
        self.assertEqual(issuer.asked, 1, "fetched a moment ago")
        issuer.published = b"<html>"
        wait.until(lambda: self.get(d, sign(new, "RS256", claims())).status == 403 and issuer.asked == 2, what="another fetch")
        d.wait_log("event=signing_keys_failed .*not JSON.*the keys of before stay")
        self.assertEqual(self.get(d, sign(old, "RS256", claims(jti="2"))).status, 200)
        issuer.published = key_set(new)
        wait.until(lambda: self.get(d, sign(new, "RS256", claims())).status == 200, what="the other key")
        self.refused(d, before, "key")
        d.wait_log(r"event=signing_keys_loaded .*1 key: other ")

    def test_down_at_the_start(self):
        """Nobody is let in, and everybody as soon as there are keys."""
        good = key("good")
        issuer = self.issuer(good)
        issuer.speak = lambda c: c.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        d = self.daemon(jwks_url=issuer.url)
        d.wait_log(r"event=signing_keys_failed .*http_status=500 .*no keys are known")
        token = sign(good, "RS256", claims())
        r = self.get(d, token)
        self.assertEqual((r.status, r.header("retry-after")), (503, "5"))
        self.assertEqual(self.result(d, "no_keys"), 1)
        issuer.speak = None
        wait.until(lambda: self.get(d, token).status == 200, what="the keys")
        self.assertEqual(d.metrics()['t3ops_identity_keys{plugin="identity_jwt"}'], 1)

    def test_slow_at_the_start(self):
        """Requests wait for the keys that are on their way; other paths do not wait with them."""
        good = key("good")
        issuer = self.issuer(good)
        issuer.gate.clear()
        d = self.daemon(jwks_url=issuer.url, timeout="20s")
        with socket.create_connection(d.proxy) as s:
            s.sendall(f"GET /hello HTTP/1.1\r\nHost: lab\r\n{USER}: alice\r\n{HEADER}: {sign(good, 'RS256', claims())}\r\n\r\n".encode())
            self.assertEqual(http.get(d.proxy, "/healthz").status, 200)
            s.setblocking(False)
            with self.assertRaises(BlockingIOError):
                s.recv(1)
            issuer.gate.set()
            s.setblocking(True)
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 200"))

    def test_pinned_until_the_issuer_answers(self):
        good, new = key("good"), key("other")
        issuer = self.issuer(new)
        issuer.gate.clear()
        pinned = os.path.join(process.folder(), "jwks.json")
        with open(pinned, "wb") as f:
            f.write(key_set(good))
        os.chmod(pinned, 0o644)
        d = self.daemon(jwks_url=issuer.url, jwks_file=pinned)
        self.assertEqual(self.get(d, sign(good, "RS256", claims())).status, 200)
        issuer.gate.set()
        d.wait_log("event=signing_keys_loaded .*other")
        self.assertEqual(self.get(d, sign(new, "RS256", claims())).status, 200)
        self.refused(d, sign(good, "RS256", claims()), "key")

    def test_garbage(self):
        """What is no key set lets nobody in, and it is said why; what is one after keys were there leaves those."""
        good = key("good")
        issuer = self.issuer()
        for what, why in ((b"<html>", "not JSON"), (b" " * 300000, "")):
            issuer.published = what
            d = self.daemon(jwks_url=issuer.url)
            d.wait_log(rf"event=signing_keys_failed .*error=\"{issuer.url}: .*{why}.*no keys are known")
            self.assertEqual(self.get(d, sign(good, "RS256", claims())).status, 503)
            d.stop()

    def test_silent(self):
        issuer = self.issuer(key("good"))
        issuer.gate.clear()
        d = self.daemon(jwks_url=issuer.url, timeout="300ms")
        d.wait_log("event=signing_keys_failed ")
        self.assertEqual(self.get(d, sign(key("good"), "RS256", claims())).status, 503)


class Check(Case):
    def check(self, **changes):
        d = Daemon({}, section("plugin", "identity_jwt", options(**changes)), {"alice": 1}, start=False)
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def file(self, text, mode=0o644):
        path = os.path.join(process.folder(), "file")
        with open(path, "wb") as f:
            f.write(text)
        os.chmod(path, mode)
        return account.give(path)

    def test_what_is_refused(self):
        url, secret = "https://issuer.example.com/jwks", self.file(b"x" * 40, 0o640)
        for changes, why in (
                ({}, "no keys: expected jwks_url"), ({"jwks_url": url, "algorithms": ["none"]}, "none is no signature"),
                ({"jwks_url": url, "algorithms": ["RS256", "HS256"]}, "HS needs a secret"),
                ({"jwks_url": url, "algorithms": ["EdDSA"]}, "item 1: expected RS"), ({"jwks_url": url, "algorithms": []}, "empty"),
                ({"jwks_url": url, "secret_file": secret}, "never both"), ({"secret_file": secret}, "HS256, HS384 and HS512 only"),
                ({"secret_file": self.file(b"short\n", 0o640), "algorithms": ["HS256"]}, "shorter than 32 bytes"),
                ({"secret_file": self.file(b"x" * 40, 0o644), "algorithms": ["HS256"]}, "secret_file"),
                ({"jwks_url": "http://issuer.example.com/jwks"}, "without TLS"), ({"jwks_url": "http://127.0.0.1.evil.example/"}, "without TLS"),
                ({"jwks_url": "http://localhost:1@evil.example/"}, ""), ({"jwks_url": "http://127.0.0.1:1/", "address": "192.0.2.1:80"}, "without TLS"),
                ({"jwks_file": "/nonexistent/jwks"}, "No such file"), ({"jwks_file": self.file(b"{}")}, "no list"),
                ({"jwks_url": url, "audience": []}, "at least one item"), ({"jwks_url": url, "issuer": ""}, "issuer"),
                ({"jwks_url": url, "audience": None}, "audience"), ({"jwks_url": url, "header": "not a header"}, "header")):
            with self.subTest(changes=changes):
                status, said = self.check(**changes)
                self.assertNotEqual(status, 0)
                self.assertIn(why, said)

    def test_what_is_taken(self):
        for changes in ({"jwks_url": "https://issuer.example.com/jwks"}, {"jwks_url": "http://127.0.0.1:1/"}, {"jwks_url": "http://[::1]:8/"},
                        {"jwks_url": "http://localhost/jwks"}, {"jwks_file": self.file(key_set(key("good")))},
                        {"secret_file": self.file(b"x" * 32 + b"\n", 0o640), "algorithms": ["HS256", "HS512"]}):
            with self.subTest(changes=changes):
                self.assertEqual(self.check(**changes)[0], 0, self.check(**changes)[1])

    def doctor(self, url):
        d = Daemon({}, section("plugin", "identity_jwt", options(jwks_url=url)), {"alice": 1}, start=False)
        done = subprocess.run([process.program("core/t3opsctl"), "doctor", "-j", "-c", d.conf, "--daemon", process.program("core/t3ops")],
                              capture_output=True, text=True, timeout=120, check=False)
        return [(f["result"], f["text"], f["advice"]) for f in json.loads(done.stdout) if f["check"] == "keys"][0]

    def test_doctor(self):
        """It says which keys there are, or what to do."""
        issuer = self.issuer(key("good"), key("p384", "ES384"))
        self.assertEqual(self.doctor(issuer.url), ("ok", f"{issuer.url}: 2 keys, 1 of them usable: good (RSA), p384 (EC P-384)", ""))
        for what, text, advice in ((key_set(key("p384", "ES384")), "none of them for", "let algorithms"),
                                   (b'{"keys":[]}', "0 keys", "signing key"), (b"<html>", "no key set", "correct")):
            issuer.published = what
            result, said, todo = self.doctor(issuer.url)
            self.assertEqual(result, "fail")
            self.assertIn(text, said)
            self.assertIn(advice, todo)
        issuer.stop()
        self.assertIn("connect", self.doctor(issuer.url)[1])


if __name__ == "__main__":
    unittest.main()

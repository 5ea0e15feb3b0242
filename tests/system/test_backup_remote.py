#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backups off the machine, in an S3 store that checks signatures: sent, listed, verified, kept by the same rules, brought
back; an upload that breaks off leaves nothing behind there and is gone on with; the key shows nowhere."""
import glob
import importlib.util
import json
import os
import re
import sqlite3
import subprocess
import unittest

from lab import account, process, s3
from lab.daemon import Daemon, section


def setUpModule():
    if s3.missing():
        raise unittest.SkipTest(s3.missing())


class Lab:
    def __init__(self, port, key=s3.KEY, secret=s3.SECRET, mode=0o600, **backup):
        self.dir = process.folder()
        self.to = os.path.join(self.dir, "to")
        self.database = os.path.join(account.give(process.folder()), "state.sqlite")
        self.credentials = s3.credentials(key, secret, mode)
        self.sql("PRAGMA journal_mode=WAL; CREATE TABLE events(body); INSERT INTO events VALUES('first')")
        options = {"to": self.to, "database": self.database, "retain": 2, "deadline": "60s", "s3_prefix": "office/one",
                   "s3_url": f"http://127.0.0.1:{port}/{s3.BUCKET}", "s3_credentials": self.credentials, **backup}
        self.daemon = Daemon({}, section("plugin", "backup", options),
                             users={"alice": {"os_user": account.NAME, "port": 1}})

    def sql(self, text):
        with sqlite3.connect(self.database) as db:
            db.executescript(text)
        db.close()
        for path in glob.glob(self.database + "*"):
            account.give(path)

    def fill(self, megabytes):
        self.sql("INSERT INTO events SELECT randomblob(1000000) FROM (WITH RECURSIVE c(i) AS "
                 f"(SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<{megabytes}) SELECT i FROM c)")

    def __enter__(self):
        self.daemon.__enter__()
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)

    def ask(self, *words):
        """t3opsctl backup ...: (exit status, rows, what it said)."""
        json_wanted = [] if words[0] == "now" else ["-j"]
        done = subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, "backup", *words, *json_wanted],
                              capture_output=True, text=True, timeout=120, check=False)
        rows = json.loads(done.stdout)["rows"] if json_wanted and done.stdout else []
        return done.returncode, rows, done.stderr

    def backups(self):
        return sorted(os.path.basename(f) for f in glob.glob(f"{self.to}/alice/state-*"))

    def listed(self):
        return sorted(r["file"] for r in self.ask("list", "alice", "--remote")[1])


class Remote(unittest.TestCase):
    def test_there_and_back(self):
        with s3.Store() as store:
            wire = s3.Wire(store.port)
            with Lab(wire.port, compress=3) as lab:
                self.assertEqual(lab.ask("list", "alice", "--remote")[:2], (0, []))
                for _ in range(3):
                    status, _, said = lab.ask("now", "alice")
                    self.assertEqual(status, 0, said)
                self.assertEqual(len(lab.backups()), 2)
                self.assertEqual(lab.listed(), lab.backups())
                self.assertEqual(store.objects(), sorted(
                    f"office/one/alice/{name}" for name in [*lab.backups(), "manifest.jsonl"]))
                self.assertEqual(lab.ask("verify", "alice", "--remote")[0], 0)
                lab.sql("INSERT INTO events VALUES('second')")
                newest = lab.backups()[-1]
                for name in lab.backups():  # this machine's are lost
                    os.unlink(f"{lab.to}/alice/{name}")
                to = os.path.join(account.give(process.folder()), "back.sqlite")
                status, rows, said = lab.ask("restore", "alice", "--remote", "--to", to)
                self.assertEqual((status, [r["file"] for r in rows]), (0, [newest]), said)
                with sqlite3.connect(to) as db:
                    self.assertEqual(db.execute("SELECT body FROM events").fetchall(), [("first",)])
                db.close()
                self.assertEqual(lab.ask("restore", "alice", "--remote")[0], 0)  # in place
                with sqlite3.connect(lab.database) as db:
                    self.assertEqual(db.execute("SELECT count(*) FROM events").fetchone(), (1,))
                db.close()
                self.assertIn(b"AWS4-HMAC-SHA256 Credential=", wire.said)
                self.assertNotIn(b"Basic", wire.said)
                self.assertEqual(lab.backups(), [])

    def test_damaged_there(self):
        with s3.Store() as store, Lab(store.port) as lab:
            self.assertEqual(lab.ask("now", "alice")[0], 0)
            name = lab.backups()[0]
            with open(store.path(f"office/one/alice/{name}"), "r+b") as f:
                f.seek(4096)
                f.write(b"x" * 64)
            to = os.path.join(account.give(process.folder()), "back.sqlite")
            status, _, said = lab.ask("restore", "alice", "--remote", "--to", to)
            self.assertEqual((status, os.path.exists(to)), (1, False))
            self.assertIn("its SHA-256 in the store is not what it was", said)
            status, rows, _ = lab.ask("verify", "alice", "--remote")
            self.assertEqual((status, rows[0]["state"]), (1, "damaged"))
            self.assertEqual(lab.ask("list", "alice", "--remote")[1][0]["state"], "damaged")
            self.assertEqual(lab.ask("verify", "alice")[0], 0)  # the one here is good
            self.assertEqual(lab.ask("now", "alice")[0], 0)  # and sent again
            self.assertEqual([r["state"] for r in lab.ask("list", "alice", "--remote")[1]], ["good", "good"])
            self.assertEqual(lab.ask("verify", "alice", "--remote", "--at", name)[0], 0)

    def test_in_parts(self):
        """An upload that breaks off: nothing is there; the next run sends only what is missing."""
        with s3.Store() as store:
            wire = s3.Wire(store.port)
            with Lab(wire.port, s3_part="5M") as lab:
                lab.fill(18)
                wire.parts_left = 2
                status, _, said = lab.ask("now", "alice")
                self.assertEqual(status, 1)
                self.assertIn("the copy is made, but not off the machine: ", said)
                first, = lab.backups()
                self.assertEqual((store.objects(), lab.ask("verify", "alice")[0]), ([], 0))
                wire.parts_left = None
                wire.said = b""
                self.assertEqual(lab.listed(), [])
                status, _, said = lab.ask("now", "alice")
                self.assertEqual(status, 0, said)
                lab.daemon.wait_log(r"remote_parts_resumed=2")
                self.assertEqual(wire.said.count(b"partNumber="), 2 + 4)
                self.assertEqual(lab.listed(), lab.backups())
                self.assertIn(first, lab.listed())
                self.assertEqual(lab.ask("verify", "alice", "--remote", "--at", first)[0], 0)
                self.assertEqual(glob.glob(f"{lab.to}/alice/.*"), [])

    def test_payloads_are_signed(self):
        """Whatever is sent, whole, in parts or without a body, its own digest is what is signed."""
        with s3.Store() as store:
            wire = s3.Wire(store.port)
            with Lab(wire.port, s3_part="5M") as lab:
                self.assertEqual(lab.ask("now", "alice")[0], 0)  # small
                lab.fill(18)
                self.assertEqual(lab.ask("now", "alice")[0], 0)  # in parts
                self.assertEqual(lab.ask("verify", "alice", "--remote")[0], 0)
            kinds = {(method, re.sub(r"[^=&]*=[^&]*", lambda m: m[0].split("=")[0], target.partition("?")[2]))
                     for method, target, _, _ in wire.requests}
            self.assertLessEqual({("PUT", ""), ("PUT", "partNumber&uploadId"), ("POST", "uploads"), ("POST", "uploadId"),
                                  ("HEAD", ""), ("GET", "")}, kinds)
            for method, target, signed, sent in wire.requests:
                self.assertEqual(signed, sent, f"{method} {target}")

    def test_what_is_refused(self):
        """Each failure says what is wrong, and leaves the copy on this machine."""
        with s3.Store() as store:
            cases = ({"secret": "wrong/Secret+1234"}, "HTTP status 403, SignatureDoesNotMatch"), \
                    ({"key": "NOBODY"}, "HTTP status 403, InvalidAccessKeyId"), \
                    ({"mode": 0o644}, "credentials .*: others may read it; chmod 600"), \
                    ({"s3_credentials": "/nonexistent/s3"}, "credentials /nonexistent/s3: No such file"), \
                    ({"s3_url": f"http://127.0.0.1:{store.port}/elsewhere"}, "HTTP status 404, NoSuchBucket"), \
                    ({"s3_url": "http://127.0.0.1:1/vault", "deadline": "10s"}, "127.0.0.1:1/vault.*connect")
            for options, reason in cases:
                with self.subTest(options), Lab(store.port, **options) as lab:
                    status, _, said = lab.ask("now", "alice")
                    self.assertEqual(status, 1)
                    self.assertRegex(said, f"the copy is made, but not off the machine: .*{reason}")
                    self.assertEqual(len(lab.backups()), 1)
                    lab.daemon.wait_log(r"event=job_failed .*not off the machine")
                    self.assertNotIn("wrong/Secret", lab.daemon.log())
            self.assertEqual(store.objects(), [])


class GivenUp(unittest.TestCase):
    """An upload in parts that nobody will go on with."""

    def break_off(self, lab, wire):
        lab.fill(18)
        wire.parts_left = 2
        self.assertEqual(lab.ask("now", "alice")[0], 1)
        wire.parts_left = None
        wire.requests.clear()
        lab.sql("DELETE FROM events WHERE length(body) > 1000; VACUUM")

    def next_run(self, lab):
        """Another backup takes its place, so small that it goes at once."""
        status, _, said = lab.ask("now", "alice")
        self.assertEqual(status, 0, said)
        self.assertEqual(len(lab.backups()), 1)
        self.assertEqual(glob.glob(f"{lab.to}/alice/.*"), [])

    def test_dropped_there(self):
        if not importlib.util.find_spec("moto"):
            self.skipTest("no moto, the store of which uploads can be asked")
        with s3.Books() as store:
            wire = s3.Wire(store.port)
            with Lab(wire.port, s3_part="5M", retain=1) as lab:
                self.break_off(lab, wire)
                self.assertEqual(len(store.uploads()), 1)
                self.next_run(lab)
                self.assertEqual(store.uploads(), [])
                self.assertEqual(store.objects(), sorted(f"office/one/alice/{n}" for n in [*lab.backups(), "manifest.jsonl"]))
                lab.daemon.wait_log(r"remote_given_up=state-")

    def test_store_that_cannot(self):
        """s3rver knows no such request: it is asked once, the run is a good one and says so."""
        with s3.Store() as store:
            wire = s3.Wire(store.port)
            with Lab(wire.port, s3_part="5M", retain=1) as lab:
                self.break_off(lab, wire)
                self.next_run(lab)
                lab.daemon.wait_log(r"remote_cannot_give_up=.*HTTP status 405")
                self.next_run(lab)
            self.assertEqual(len([r for r in wire.requests if r[0] == "DELETE" and "uploadId=" in r[1]]), 1)


class Lies(unittest.TestCase):
    """What answers is no store, or a bad one: that is said at once, and nothing there is overwritten for it."""
    FILE = "state-20261127T033000Z.sqlite"

    def refuses(self, answer, pattern, *words):
        with s3.Liar(answer) as liar, Lab(liar.port, deadline="30s") as lab:
            status, _, said = lab.ask(*(words or ("now", "alice")))
            self.assertEqual(status, 1)
            self.assertRegex(said, pattern)
            self.assertNotIn("deadline", said)
            self.assertEqual([a[:2] for a in liar.asked if a[0] not in ("GET", "HEAD")], [])
            return liar, lab

    def listing(self, size=100, truncated="false"):
        return (f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated><Contents><Key>office/one/alice/{self.FILE}</Key>"
                f"<Size>{size}</Size></Contents></ListBucketResult>").encode()

    def test_sign_in_page(self):
        self.refuses(lambda *_: (200, {}, b"<!doctype html><title>Sign in</title>"), "answer is no list of objects")

    def test_list_is_cut(self):
        self.refuses(lambda *_: (200, {}, self.listing()[:-20]), "answer is no list of objects")

    def test_list_never_ends(self):
        self.refuses(lambda *_: (200, {}, self.listing(truncated="true")), "its list of objects does not go on")

    def test_manifest_is_none(self):
        self.refuses(lambda _, path: (200, {}, self.listing() if "list-type" in path else b"<html>busy</html>"),
                     "manifest there is none")

    def test_redirect(self):
        with s3.Liar(lambda *_: (200, {}, b"")) as other:
            self.refuses(lambda *_: (307, {"Location": f"http://127.0.0.1:{other.port}/"}, b""), "HTTP status 307")
            self.assertEqual(other.asked, [])

    def test_object_never_ends(self):
        def parts():
            while True:
                yield bytes(65536)

        def answer(_, path):
            if "list-type" in path:
                return 200, {}, self.listing()
            return (404, {}, b"") if path.endswith("manifest.jsonl") else (200, {}, parts())
        _, lab = self.refuses(answer, "longer than the store's list says", "restore", "alice", "--remote", "--dry-run")
        self.assertEqual([f for f in os.listdir(f"{lab.to}/alice") if "state" in f], [])


if __name__ == "__main__":
    unittest.main()

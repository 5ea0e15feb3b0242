#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What lies beside the database goes along with a backup, and comes back: verified, packed, encrypted, sent to a store,
counted and bounded; what is no plain file is left out and named; secrets only where nobody else can read them."""
import glob
import json
import os
import re
import socket
import sqlite3
import stat
import unittest

from lab import account, http, process, s3
from lab.drill import key_file
from lab.restore import Lab

ALL = ["attachments", "environment-id", "settings.json", "secrets", "never-there"]


class Files(Lab):
    def __init__(self, **backup):
        super().__init__(serve_command="serve", **{"include": ALL, **backup})
        self.userdata = os.path.dirname(self.stub.database)

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.userdata, name)
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
            account.give(os.path.dirname(path))
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(account.give(path), mode)

    def get(self, name, folder=None):
        with open(os.path.join(folder or self.userdata, name), encoding="utf-8") as f:
            return f.read()

    def stored(self):
        return sorted(f for f in os.listdir(os.path.join(self.to, "alice")) if f.startswith("state-"))

    def facts(self):
        """Of the last run."""
        return re.findall(r'event=job_done .*plugin=backup user=alice .*facts="(.*)"', self.daemon.log())[-1]

    def replaced(self):
        return glob.glob(os.path.join(self.userdata, "files.replaced-*"))


class Included(unittest.TestCase):
    def there_and_back(self, lab, *more):
        lab.put("attachments/a.txt", "first")
        lab.put("attachments/deep/er/b.txt", "second", 0o600)
        lab.put("settings.json", "{}")
        cookie = lab.stub.cookie()
        name = lab.backup()
        lab.put("attachments/a.txt", "changed")
        lab.put("attachments/c.txt", "new")
        os.unlink(os.path.join(lab.userdata, "settings.json"))
        key = os.path.join(lab.userdata, "secrets/server-signing-key.bin")
        lab.stub.stop()
        os.unlink(key)
        lab.stub.start()  # with another key
        self.assertFalse(http.get(lab.stub.address, "/api/auth/session", {"Cookie": cookie}).json()["authenticated"])
        status, rows, said = lab.ask("restore", "alice", "--at", name, "--stop", *more)
        self.assertEqual(status, 0, said)
        self.assertEqual((lab.get("attachments/a.txt"), lab.get("attachments/deep/er/b.txt"), lab.get("settings.json")),
                         ("first", "second", "{}"))
        self.assertFalse(os.path.exists(os.path.join(lab.userdata, "attachments/c.txt")))
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(lab.userdata, "attachments/deep/er/b.txt")).st_mode), 0o600)
        self.assertEqual(lab.replaced(), [rows[0]["replaced_files"]])
        self.assertEqual(lab.get("attachments/c.txt", rows[0]["replaced_files"]), "new")  # nothing is lost
        self.assertTrue(http.get(lab.stub.address, "/api/auth/session", {"Cookie": cookie}).json()["authenticated"])
        self.assertTrue(lab.pairs())
        return name

    def test_in_place(self):
        with Files(plain_secrets=True) as lab:
            name = self.there_and_back(lab)
            self.assertEqual(lab.stored(), sorted([name, name.replace(".sqlite", ".files.tar")]))
            row = lab.ask("list", "alice")[1][0]
            self.assertGreaterEqual(int(row["files"]), 5)
            self.assertEqual(int(row["bytes"]), sum(os.path.getsize(f"{lab.to}/alice/{f}") for f in lab.stored()))
            self.assertEqual(lab.ask("verify", "alice")[0], 0)
            self.assertEqual(lab.ask("drill", "alice")[0], 0)

    def test_packed_and_encrypted(self):
        with Files(compress=3, encrypt_key=key_file(), retain=1) as lab:
            name = self.there_and_back(lab)
            self.assertTrue(name.endswith(".sqlite.zst.enc"))
            self.assertEqual(lab.stored(), sorted([name, name.replace(".sqlite", ".files.tar")]))
            for file in lab.stored():
                with open(os.path.join(lab.to, "alice", file), "rb") as f:
                    self.assertNotIn(b"second", f.read())
            self.assertEqual(lab.ask("drill", "alice")[0], 0)
            newer = lab.backup()
            self.assertEqual(lab.stored(), sorted([newer, newer.replace(".sqlite", ".files.tar")]))  # retain = 1

    @unittest.skipIf(s3.missing(), s3.missing())
    def test_store(self):
        store = self.enterContext(s3.Store())
        with Files(compress=3, encrypt_key=key_file(), retain=1, s3_prefix="x", s3_credentials=s3.credentials(),
                   s3_url=f"http://127.0.0.1:{store.port}/{s3.BUCKET}") as lab:
            name = self.there_and_back(lab, "--remote")
            self.assertEqual(lab.ask("verify", "alice", "--remote")[0], 0)
            objects = [f"x/alice/{f}" for f in (name, name.replace(".sqlite", ".files.tar"), "manifest.jsonl")]
            self.assertEqual(store.objects(), sorted(objects))
            with open(store.path(objects[1]), "r+b") as f:
                f.seek(60)
                f.write(b"x" * 8)
            status, _, said = lab.ask("verify", "alice", "--remote")
            self.assertEqual(status, 1, said)
            lab.backup()
            self.assertEqual(len(store.objects()), 3)
            self.assertNotIn(objects[1], store.objects())

    def test_elsewhere(self):
        with Files() as lab:
            lab.put("attachments/a.txt", "first")
            lab.backup()
            path = os.path.join(account.give(process.folder()), "copy.sqlite")
            self.assertEqual(lab.ask("restore", "alice", "--to", path)[0], 0)
            self.assertEqual(lab.get("attachments/a.txt", path + ".files"), "first")
            self.assertFalse(os.path.exists(path + ".files/secrets"))  # it is not encrypted
            with sqlite3.connect(path) as db:
                self.assertEqual(db.execute("SELECT max(migration_id) FROM effect_sql_migrations").fetchall(), [(32,)])
            db.close()

    def test_database_only(self):
        with Files() as lab:
            lab.put("attachments/a.txt", "first")
            lab.mark("before")
            lab.backup()
            lab.mark("after")
            lab.put("attachments/a.txt", "changed")
            self.assertEqual(lab.ask("restore", "alice", "--stop", "--database-only")[0], 0)
            self.assertEqual((lab.marks(), lab.get("attachments/a.txt"), lab.replaced()), (["before"], "changed", []))

    def test_undone(self):
        """A server that does not come up with it gets everything back."""
        with Files() as lab:
            lab.put("attachments/a.txt", "first")
            lab.mark("before")
            lab.backup()
            lab.mark("after")
            lab.put("attachments/a.txt", "changed")
            lab.unit.broken = {"start"}
            lab.ask("restore", "alice", "--stop")
            lab.stub.start()
            self.assertEqual((lab.marks(), lab.get("attachments/a.txt"), lab.replaced()), (["before", "after"], "changed", []))

    def test_killed(self):
        """By kill -9 when the server is to be started: whoever comes next ends it."""
        with Files() as lab:
            lab.put("attachments/a.txt", "first")
            lab.mark("before")
            lab.backup()
            lab.mark("after")
            lab.put("attachments/a.txt", "changed")
            lab.unit.on_word = lambda word: word == "start" and lab.kill_job()
            self.assertEqual(lab.ask("restore", "alice", "--stop")[0], 1)
            self.assertGreater(lab.killed, 0)
            lab.unit.on_word = None
            lab.stub.stop()
            self.assertTrue(os.path.exists(os.path.join(lab.replaced()[0], ".restoring")))
            status, rows, said = lab.ask("list", "alice")
            self.assertEqual((status, rows[0]["restore_files"]), (0, "the files that came with it are all there now"), said)
            self.assertEqual((lab.marks(), lab.get("attachments/a.txt")), (["before"], "first"))
            self.assertEqual(lab.get("attachments/a.txt", *lab.replaced()), "changed")
            self.assertFalse(os.path.exists(os.path.join(lab.replaced()[0], ".restoring")))
            self.assertNotIn("restore_files", str(lab.ask("list", "alice")[1]))

    def test_what_is_no_file(self):
        with Files(include_max="1M") as lab:
            lab.put("attachments/a.txt", "first")
            lab.put("attachments/large", "x" * ((1 << 20) + 1))
            folder = os.path.join(lab.userdata, "attachments")
            os.symlink("/etc/passwd", os.path.join(folder, "link"))
            os.mkfifo(os.path.join(folder, "fifo"))
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(os.path.join(folder, "socket"))
                name = lab.backup()
            self.assertRegex(lab.facts(), r'left_out=\\"4 \(attachments/\w+: ')
            path = os.path.join(account.give(process.folder()), "copy.sqlite")
            self.assertEqual(lab.ask("restore", "alice", "--at", name, "--to", path)[0], 0)
            self.assertEqual(os.listdir(path + ".files/attachments"), ["a.txt"])

    def test_damage(self):
        for harm in (lambda path: os.truncate(path, 2000), os.unlink):
            with Files() as lab:
                lab.put("attachments/a.txt", "first" * 1000)
                good = lab.backup()
                bad = lab.backup()
                harm(os.path.join(lab.to, "alice", bad.replace(".sqlite", ".files.tar")))
                status, rows, said = lab.ask("verify", "alice", "--at", bad)
                self.assertEqual((status, [(r["file"], r["state"], r["pinned"]) for r in rows]),
                                 (1, [(bad, "damaged", "no"), (good, "good", "yes")]), said)
                self.assertIn("the archive of its other files", said)
                self.assertEqual(lab.ask("restore", "alice", "--at", bad, "--stop")[0], 1)
                self.assertEqual(lab.ask("restore", "alice", "--at", bad, "--stop", "--database-only")[0], 0)

    def test_orphans(self):
        with Files() as lab:
            name = lab.backup()
            for stray in ("state-20260101T000000Z.files.tar", "state-20260101T000000Z-manual.files.tar.zst.enc"):
                with open(os.path.join(lab.to, "alice", stray), "w", encoding="utf-8"):
                    pass
            lab.ask("list", "alice")
            self.assertEqual(lab.stored(), sorted([name, name.replace(".sqlite", ".files.tar")]))
            with open(os.path.join(lab.to, "alice/manifest.jsonl"), encoding="utf-8") as f:
                row = json.loads(f.readline())
            self.assertEqual(len(row["files_sha256"]), 64)

    def test_options(self):
        for name in ("../x", "/etc", "state.sqlite", ".", ""):
            with self.assertRaisesRegex(Exception, "include"), Files(include=[name]):
                pass


if __name__ == "__main__":
    unittest.main()

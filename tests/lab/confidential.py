# SPDX-License-Identifier: MIT
"""What passed in requests and answers and must never be written down: cookies, tokens, credentials, queries.
Everything that the lab sends or receives is remembered here, and when a daemon of the lab ends, its log and its
journal are searched for it.  So every test is also a test of that."""
import os
import re
import shutil
import sqlite3
import tempfile

SHORTEST = 8  # a shorter value may stand in a log by chance
_FIELDS = {"cookie", "set-cookie", "authorization", "x-t3ops-proxy-secret", "x-authentik-jwt", "cf-access-jwt-assertion",
           "x-pomerium-jwt-assertion"}
_values = set()
_databases = set()


def _remember(text):
    _values.update(v.encode("latin-1") for v in re.split(r"[=;&,\s]+", text) if len(v) >= SHORTEST)


def message(headers, target=""):
    """A head that goes out or comes in; of an answer, its attributes (Path=, Expires=) aside."""
    _, _, query = target.partition("?")
    _remember(query)
    for name, value in headers:
        if name.lower() in _FIELDS:
            value = value.split(";")[0] if name.lower() == "set-cookie" else value
            _remember(" ".join(part.partition("=")[2] or part for part in re.split(r"[;\s]+", value)))


def database(path):
    """A t3 server's: its pairing credentials count, too."""
    _databases.add(path)


def _credentials(path):
    """From a copy: the owner may have it open, and it is not ours."""
    with tempfile.TemporaryDirectory(prefix="t3lab.") as folder:
        copy = os.path.join(folder, "state.sqlite")
        for suffix in ("", "-wal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, copy + suffix)
        if not os.path.exists(copy):
            return []
        db = sqlite3.connect(copy)
        try:
            return [row[0].encode() for row in db.execute("SELECT credential FROM auth_pairing_links")]
        except sqlite3.DatabaseError:
            return []  # a test broke it, or copied it in the middle of a change
        finally:
            db.close()


def found_in(paths):
    """[(path, where)] of every file that holds one of them; not what it was."""
    wanted = _values.union(*(_credentials(p) for p in _databases))
    found = []
    for path in paths:
        try:
            with open(path, "rb") as f:
                content = f.read()
        except FileNotFoundError:
            continue
        found += [(path, content[max(0, at - 80):at]) for at in (content.find(v) for v in wanted) if at >= 0]
    return found

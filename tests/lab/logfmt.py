# SPDX-License-Identifier: MIT
"""Reads the log of t3ops as strictly as the strictest reader of logfmt would."""
import json
import os
import re

from lab import process

_PAIR = re.compile(r'([a-z][a-z0-9_]*)=("(?:[^"\\]|\\["\\nrt]|\\u[0-9a-f]{4})*"|[^ "=\\]+)(?: |$)')
_FIRST = ["time", "level", "process", "event"]
_keys = set()
_events = {}


def keys():
    """The names of core/tbl/log_key.h."""
    if not _keys:
        with open(os.path.join(process.source_dir(), "core/tbl/log_key.h"), encoding="utf-8") as f:
            _keys.update(re.findall(r"^LOG_KEY\((\w+),", f.read(), re.M))
    return _keys


def parse(line):
    """[(key, value)] of a line; ValueError says what is wrong with it."""
    pairs, at = [], 0
    while at < len(line):
        m = _PAIR.match(line, at)
        if not m:
            raise ValueError(f"not logfmt from {line[at:at + 40]!r} on: {line}")
        value = m.group(2)
        pairs.append((m.group(1), json.loads(value) if value.startswith('"') else value))
        at = m.end()
    return pairs


def check(line):
    """Fails on a line that is not logfmt, or has an unknown key, a key twice or not the first keys in order."""
    try:
        pairs = parse(line)
        check_names([k for k, _ in pairs], line)
        check_event(dict(pairs), line)
    except ValueError as e:
        raise AssertionError(str(e)) from e


def check_json(line):
    """The same of a line of access_log = "json"."""
    try:
        pairs = json.loads(line, object_pairs_hook=list)
        check_names([k for k, _ in pairs], line)
        check_event(dict(pairs), line)
    except ValueError as e:
        raise AssertionError(f"{e}: {line}") from e


def events():
    """{event: (processes, fields)} of core/tbl/event_doc.h."""
    if not _events:
        with open(os.path.join(process.source_dir(), "core/tbl/event_kind.h"), encoding="utf-8") as f:
            names = dict(re.findall(r'^EVENT_KIND\((\w+), "(\w+)"', f.read(), re.M))
        with open(os.path.join(process.source_dir(), "core/tbl/event_doc.h"), encoding="utf-8") as f:
            rows = re.findall(r'^EVENT_DOC\((\w+),\s*"([^"]+)",\s*((?:"[^"]*"\s*)+),', f.read(), re.M)
        _events.update({names[ident]: (set(by.split()), set("".join(re.findall('"([^"]*)"', fields)).split())) for ident, by, fields in rows})
    return _events


def check_event(pairs, line):
    """Its process and its fields are those that t3ops-events(7) lists."""
    by, fields = events().get(pairs.get("event"), (None, None))
    if by is None:
        return
    more = set(pairs) - fields - set(_FIRST) - {"truncated"}
    if more or pairs["process"] not in by:
        raise AssertionError(f"core/tbl/event_doc.h does not know {sorted(more) or pairs['process']} of this event: {line}")


def check_names(names, line):
    if names[:4] != _FIRST:
        raise AssertionError(f"a log line begins with {' '.join(_FIRST)}: {line}")
    if len(set(names)) != len(names):
        raise AssertionError(f"a duplicate key: {line}")
    unknown = set(names) - keys()
    if unknown:
        raise AssertionError(f"keys that core/tbl/log_key.h lacks, {sorted(unknown)}: {line}")

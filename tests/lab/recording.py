# SPDX-License-Identifier: MIT
"""Recordings of incidents: how they leave t3ops, and their replay."""
import json
import os
import subprocess

from lab import process


def export(daemon, incident):
    """The file of that incident as it is now."""
    return daemon.ctl("incident", "export", str(incident))


def replay_run(path, *words):
    """t3ops replay of that file, to its end."""
    return subprocess.run([process.program("core/t3ops"), "replay", path, *words], capture_output=True, text=True, timeout=60,
                          check=False)


def replay(path, *words):
    """What it prints; it has to succeed."""
    done = replay_run(path, *words)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"t3ops replay {path}: {done.returncode}\n{done.stdout[:400]}{done.stderr}")
    return done.stdout


def write(text):
    """Into a file of its own; its path."""
    path = os.path.join(process.folder(), "recording")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def without_verdicts(text):
    """As far as a replay reads it."""
    return text[:text.index("\n", text.index("\nend ") + 1) + 1]


def said(text):
    """The verdicts that t3ops gave then, a line of JSON each, from the end of the file."""
    return [line.partition(" ")[2] for line in text.splitlines() if line.startswith("verdict ")]


def compact(printed):
    """What a replay printed, a line of JSON each."""
    return [json.dumps(v, separators=(",", ":")) for v in json.loads(printed)]


def verdict_of(shown):
    """The bytes of the verdict in what t3opsctl -j show printed, as if it stood alone."""
    lines = shown.splitlines()
    begin = lines.index('    "verdict": {')
    end = next(n for n in range(begin, len(lines)) if lines[n] in ("    }", "    },"))
    return "\n".join(["{"] + [line[4:] for line in lines[begin + 1:end]] + ["}", ""])

# SPDX-License-Identifier: MIT
"""Recordings of incidents: how they leave t3ops, and their replay."""
import json
import os
import re
import subprocess

from lab import process

OVER = 120  # seconds of a world: an incident is followed for a minute behind its last verdict


def export(daemon, incident):
    """The file of that incident as it is now."""
    return daemon.ctl("incident", "export", str(incident))


def export_when_over(world, incident):
    """The same when it is over, as far as that is awaited."""
    end = world.lapse.now() + OVER
    while "\nend state=open" in (text := export(world.daemon, incident)) and world.lapse.now() < end:
        world.pause(5)
    return text


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
    """What a replay printed, a line of JSON each, as t3ops writes it: 2e-5 where Python has 2e-05."""
    return [re.sub(r"(\d)e([+-])0(\d)", r"\1e\2\3", json.dumps(v, separators=(",", ":"))) for v in json.loads(printed)]


def verdict_of(shown):
    """The bytes of the verdict in what t3opsctl -j show printed, as if it stood alone."""
    lines = shown.splitlines()
    begin = lines.index('    "verdict": {')
    end = next(n for n in range(begin, len(lines)) if lines[n] in ("    }", "    },"))
    return "\n".join(["{"] + [line[4:] for line in lines[begin + 1:end]] + ["}", ""])


def name_of(row):
    """A file's name of a row's."""
    return re.sub(r"[^a-z0-9]+", "-", row.lower().replace("'", "")).strip("-")


def shortened(text, seconds=10):
    """With only so much of the story before, which a replay does not read."""
    return re.sub(r"^story -(\d+)\.[^\n]*\n", lambda m: m.group(0) if int(m.group(1)) < seconds else "", text, flags=re.M)


def keep(folder, name, text):
    """Puts it there without what t3ops said, and that beside it; whether a replay says the same."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path + ".txt", "w", encoding="ascii") as f:
        f.write(without_verdicts(shortened(text)))
    with open(path + ".verdicts", "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in said(text)))
    return compact(replay(path + ".txt")) == said(text)

# SPDX-License-Identifier: MIT
"""The picture of the operator's page in the README: the demonstration's path, a few faults that healed, one verdict that
stands, and a real Chromium.

    python3 -m lab.screenshot FILE.png
"""
import os
import subprocess
import sys

from lab import chromium, process, wait
from lab.demo import Cut, Demo

SIZE = "1280,1400"
BEFORE = ("kill the edge (haproxy)", "stall alice's t3 (SIGSTOP)", "carol's t3 answers no Ping, her page gives up")


def take(url, path):
    """The page as it is, once what it loads is there."""
    subprocess.run([chromium.program(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                    f"--user-data-dir={process.folder()}", f"--window-size={SIZE}", "--timeout=5000", f"--screenshot={path}", url],
                   check=True, timeout=120 * wait.SLOW, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def play(demo, path):
    demo.start()
    demo.wait_well()
    for cut in demo.cuts():
        if cut.title in BEFORE:
            demo.run(cut)
    tunnel = Cut("kill the tunnel", "tunnel", demo.path.tunnel.cut)
    serial = demo.last_serial()
    tunnel.break_()
    wait.until(lambda: any(v["segments"] == tunnel.truth and len(v["users"]) == len(demo.users) for v in demo.verdicts_after(serial)),
               what="the verdict on the tunnel, of all users")
    take("http://%s:%d/?range=15m" % demo.daemon.monitor, path)


def main():
    if len(sys.argv) != 2:
        print(f"usage: python3 -m lab.screenshot FILE.png\n{__doc__}", file=sys.stderr)
        return 2
    if not chromium.program():
        print("screenshot: Chromium is not installed (scripts/install-packages lab)", file=sys.stderr)
        return 1
    path = os.path.abspath(sys.argv[1])
    demo = Demo()
    try:
        play(demo, path)
    finally:
        demo.stop()
    print(f"{path}: {os.path.getsize(path)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())

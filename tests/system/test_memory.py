#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What much work took is given back: memory that nobody else has is counted before, during and after it."""
import socket
import unittest

from lab import memory, wait
from lab.daemon import Daemon, section

CLIENTS = 300
HEAD = b"GET / HTTP/1.1\r\nHost: t3\r\nX-Long: " + b"a" * 12000  # and no end of it: the proxy keeps it
MIB = 1 << 20


class Memory(unittest.TestCase):
    def test_the_proxy_gives_it_back(self):
        """The client that came last is still there: what it has lies behind all that is free, so it is not enough to shorten the heap."""
        with Daemon({}, section("plugin", "probe_echo", {}), users={"alice": 9}) as d:
            wait.until(lambda: "proxy" in d.processes(), what="the proxy")
            pid = d.processes()["proxy"]
            before = memory.private(pid)
            clients = [socket.create_connection(d.proxy) for _ in range(CLIENTS)]
            for c in clients:
                c.sendall(HEAD)
            wait.until(lambda: memory.private(pid) > before + 3 * MIB, what="the proxy to keep what came")
            for c in clients[:-1]:
                c.close()
            wait.until(lambda: memory.private(pid) < before + MIB, 60, what="the memory to be given back")
            clients[-1].close()


if __name__ == "__main__":
    unittest.main()

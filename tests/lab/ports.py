# SPDX-License-Identifier: MIT
"""Ports for programs that cannot report the one they got."""
import random
import socket


def _range():
    """Below those that the kernel gives to whoever asks for any: nobody gets one of these by chance before its program
    has it."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        low = int(f.read().split()[0])
    return range(max(1025, low - 20000), low)


def _bind(among):
    """A socket on one of them; on any if there are few."""
    for _ in range(100 if len(among) >= 1000 else 0):
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.choice(among)))
            return s
        except OSError:
            s.close()
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    return s


def free(count=1):
    """Distinct ports that were free a moment ago: whoever uses them retries with others when
    that has changed.  One number, or a list of `count`."""
    among, held = _range(), []
    try:
        while len(held) < count:
            held.append(_bind(among))
        numbers = [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()
    return numbers[0] if count == 1 else numbers


def open_(port, host="127.0.0.1"):
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False

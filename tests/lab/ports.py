# SPDX-License-Identifier: MIT
"""Ports of the kernel's choice for programs that cannot report the one they got."""
import socket


def free(count=1):
    """Distinct ports that were free a moment ago: whoever uses them retries with others when
    that has changed.  One number, or a list of `count`."""
    held = []
    try:
        for _ in range(count):
            s = socket.socket()
            s.bind(("127.0.0.1", 0))
            held.append(s)
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

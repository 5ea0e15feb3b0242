#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same malformed and odd requests through t3ops, nginx and haproxy to one recording backend.

The table says for every case how t3ops answers and how many requests the backend then sees: never
more than were sent.  Where one of the peers lets through more or fewer, the table says why t3ops
does otherwise; a difference without a reason fails, and so does a reason without a difference."""
import collections
import re
import shutil
import socket
import subprocess
import threading
import unittest

from lab import http, ports, process, wait
from lab.daemon import Daemon

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
ALICE = "X-authentik-username: alice"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://lab"
# The table knows these; what another version does otherwise is only told.
KNOWN = {"nginx": r"nginx/1\.22\.", "haproxy": r"version 2\.6\."}


def raw(line, *fields, body="", host="Host: lab", end="\r\n"):
    """A request of alice; every line may be as wrong as the case wants it."""
    lines = [line, *([host] if host else []), ALICE, *fields]
    return (end.join(lines) + end + end + body).encode("latin-1")


def chunked(body, *fields):
    return raw("POST /chunked HTTP/1.1", "Transfer-Encoding: chunked", *fields, body=body)


def post(*fields, body="", version="1.1"):
    return raw(f"POST /post HTTP/{version}", *fields, body=body)


SECOND = raw("GET /second HTTP/1.1").decode()
LAST = "0\r\n\r\n"

Case = collections.namedtuple("Case", "name bytes answers seen nginx haproxy why sees hides methods")


def case(name, data, answers, seen, nginx, haproxy, why="", sees=(), hides=(), methods=()):
    """answers: t3ops' statuses, in order.  seen, nginx, haproxy: whole requests that the backend gets
    through each (a set: it varies).  sees, hides: what the bytes that t3ops sends on hold or not, in
    lower case.  methods: of the requests, where an answer's framing depends on it."""
    answers = answers if isinstance(answers, list) else [answers]
    return Case(name, data, answers, seen, nginx, haproxy, why, sees, hides, methods or ["GET"] * len(answers))


CASES = [
    # ---- sound ones, so that the others are known to be refused for what is odd in them
    case("plain", raw("GET / HTTP/1.1"), 200, 1, 1, 1),
    case("length", post("Content-Length: 5", body="hello"), 200, 1, 1, 1, sees=[b"content-length: 5", b"hello"]),
    case("chunked", chunked("5\r\nhello\r\n" + LAST), 200, 1, 1, 1, sees=[b"hello"]),
    case("chunked in capitals", post("Transfer-Encoding: CHUNKED", body="5\r\nhello\r\n" + LAST), 200, 1, 1, 1),
    case("white space around the length", post("Content-Length:   5  ", body="hello"), 200, 1, 1, 1,
         sees=[b"content-length: 5\r\n"]),
    case("leading zeros in the length", post("Content-Length: 0005", body="hello"), 200, 1, 1, 1),
    case("two in one packet", raw("GET /first HTTP/1.1") + SECOND.encode(), [200, 200], 2, 2, 2),
    case("two, the first with a body", post("Content-Length: 5", body="hello" + SECOND), [200, 200], 2, 2, 2),
    case("two, the first chunked", chunked("5\r\nhello\r\n" + LAST + SECOND), [200, 200], 2, 2, 2),
    # ---- lengths and codings that contradict each other
    case("length, then coding", post("Content-Length: 5", "Transfer-Encoding: chunked", body=LAST + SECOND),
         400, 0, 0, 1, "RFC 9112 6.3 lets a proxy drop the length, as haproxy does; nobody honest sends both"),
    case("coding, then length", post("Transfer-Encoding: chunked", "Content-Length: 5", body=LAST + SECOND),
         400, 0, 0, 1, "as above"),
    case("length 0 with coding", post("Content-Length: 0", "Transfer-Encoding: chunked", body=LAST), 400, 0, 0, 1,
         "as above"),
    case("length twice, equal", post("Content-Length: 5", "Content-Length: 5", body="hello"), 400, 0, 0, 1,
         "haproxy joins equal ones; the RFC leaves it open, and nobody honest sends two"),
    case("length twice, different", post("Content-Length: 5", "Content-Length: 6", body="hello!"), 400, 0, 0, 0),
    case("length 5, 5", post("Content-Length: 5, 5", body="hello"), 400, 0, 0, 1, "as above"),
    case("length 5, 6", post("Content-Length: 5, 6", body="hello!"), 400, 0, 0, 0),
    case("length +5", post("Content-Length: +5", body="hello"), 400, 0, 0, 0),
    case("length -1", post("Content-Length: -1"), 400, 0, 0, 0),
    case("length 0x5", post("Content-Length: 0x5", body="hello"), 400, 0, 0, 0),
    case("length 5 5", post("Content-Length: 5 5", body="hello"), 400, 0, 0, 0),
    case("length 5.0", post("Content-Length: 5.0", body="hello"), 400, 0, 0, 0),
    case("length empty", post("Content-Length:"), 400, 0, 0, 0),
    case("length beyond 64 bits", post("Content-Length: 18446744073709551621", body="hello"), 400, 0, 0, 0),
    case("length in quotes", post('Content-Length: "5"', body="hello"), 400, 0, 0, 0),
    # ---- codings
    case("chunked, chunked", post("Transfer-Encoding: chunked, chunked", body=LAST), 501, 0, 0, 0),
    case("coding twice", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=LAST), 501, 0, 0, 0),
    case("xchunked", post("Transfer-Encoding: xchunked", body=LAST), 501, 0, 0, 0),
    case("chunkedx", post("Transfer-Encoding: chunkedx", body=LAST), 501, 0, 0, 0),
    case("identity", post("Transfer-Encoding: identity"), 501, 0, 0, 0),
    case("gzip, chunked", post("Transfer-Encoding: gzip, chunked", body=LAST), 501, 0, 0, 0),
    case("chunked, gzip", post("Transfer-Encoding: chunked, gzip", body=LAST), 501, 0, 0, 0),
    case("chunked;q=1", post("Transfer-Encoding: chunked;q=1", body=LAST), 501, 0, 0, 0),
    case("chunked in quotes", post('Transfer-Encoding: "chunked"', body=LAST), 501, 0, 0, 0),
    case("coding empty", post("Transfer-Encoding:"), 501, 0, 0, 0),
    case("chunked behind white space", post("Transfer-Encoding:  \tchunked \t", body=LAST), 200, 1, 0, 1,
         "nginx reads a tab as part of the value; white space around a value is no part of it"),
    case("chunked behind a vertical tab", post("Transfer-Encoding: \x0bchunked", body=LAST), 400, 0, 0, 0),
    case("coding in 1.0", post("Transfer-Encoding: chunked", body=LAST, version="1.0"), 400, 0, 0, 1,
         "haproxy believes it and closes; RFC 9112 6.1 calls the framing faulty"),
    case("transfer_encoding", post("Transfer_Encoding: chunked", "Content-Length: 5", body="hello"), 200, 1, 1, 1),
    # ---- lines
    case("bare LF everywhere", raw("GET / HTTP/1.1", end="\n"), 400, 0, 1, 1,
         "both take LF for CRLF; what ends a line must not be a matter of taste"),
    case("bare LF after a field", raw("GET / HTTP/1.1", "A: b\nC: d"), 400, 0, 1, 1, "as above"),
    case("bare LF hides a length", post("A: b\nContent-Length: 5", body="hello"), 400, 0, 1, 1, "as above"),
    case("bare CR in a value", raw("GET / HTTP/1.1", "A: b\rContent-Length: 5"), 400, 0, 0, 0),
    case("CR CR LF", raw("GET / HTTP/1.1", "A: b\r"), 400, 0, 1, 0,
         "nginx skips the CR; a bare CR may end a line elsewhere"),
    case("NUL in a value", raw("GET / HTTP/1.1", "A: b\0c"), 400, 0, 0, 1,
         "haproxy passes it; RFC 9110 5.5 wants it replaced or refused, and C programs stop at it"),
    case("NUL in the target", raw("GET /a\0b HTTP/1.1"), 400, 0, 0, 0),
    case("control byte in a value", raw("GET / HTTP/1.1", "A: b\x01c"), 400, 0, 1, 1,
         "both pass it; RFC 9110 5.5 calls it invalid"),
    case("obs-fold", raw("GET / HTTP/1.1", "A: b\r\n c"), 400, 0, 0, 1,
         "haproxy joins the lines; RFC 9112 5.2 allows to refuse"),
    case("obs-fold hides a coding", post("A: b\r\n Transfer-Encoding: chunked", "Content-Length: 5", body="hello"),
         400, 0, 0, 1, "as above: behind us the second line may be taken for a field"),
    case("first field folded", raw("GET / HTTP/1.1", host=" Host: lab"), 400, 0, 0, 0),
    case("empty line before", b"\r\n" + raw("GET / HTTP/1.1"), 200, 1, 1, 1),
    case("many empty lines before", b"\r\n" * 20 + raw("GET / HTTP/1.1"), 200, 1, 1, 1),
    case("bare LF before", b"\n" + raw("GET / HTTP/1.1"), 400, 0, 1, 1,
         "both skip it as an empty line; only CRLF is one"),
    case("space before", b" " + raw("GET / HTTP/1.1"), 400, 0, 0, 0),
    # ---- fields
    case("space before the colon", post("Content-Length : 5", body="hello"), 400, 0, 0, 0),
    case("tab before the colon", post("Transfer-Encoding\t: chunked", body=LAST), 400, 0, 0, 0),
    case("no colon", raw("GET / HTTP/1.1", "nothing"), 400, 0, 1, 0,
         "nginx makes a field without a value of it; the next one may make something else"),
    case("no name", raw("GET / HTTP/1.1", ": value"), 400, 0, 0, 0),
    case("parenthesis in a name", raw("GET / HTTP/1.1", "a(b): c"), 400, 0, 1, 0,
         "nginx drops the field, the name is no token"),
    case("byte above 127 in a name", raw("GET / HTTP/1.1", "a\xe9: c"), 400, 0, 1, 0, "as above"),
    case("byte above 127 in a value", raw("GET / HTTP/1.1", "A: caf\xe9"), 200, 1, 1, 1, sees=[b"caf\xe9"]),
    case("empty value", raw("GET / HTTP/1.1", "A:"), 200, 1, 1, 1),
    case("head too large", raw("GET / HTTP/1.1", "A: " + "b" * 40000), 431, 0, 0, 0),
    case("target too large", raw("GET /" + "a" * 40000 + " HTTP/1.1"), 431, 0, 0, 0),
    case("many fields", raw("GET / HTTP/1.1", *(f"A{i}: b" for i in range(200))), 431, 0, 1, 0,
         "nginx has no limit on their number, max_headers is ours"),
    case("the same field 60 times", raw("GET / HTTP/1.1", *["A: b"] * 60), 200, 1, 1, 1),
    # ---- request lines
    case("two spaces", raw("GET  / HTTP/1.1"), 400, 0, 1, 1, "both skip one; RFC 9112 3 has exactly one"),
    case("tab for a space", raw("GET\t/ HTTP/1.1"), 400, 0, 0, 1,
         "haproxy takes a tab for a space; RFC 9112 3 has a space"),
    case("space in the target", raw("GET /a b HTTP/1.1"), 400, 0, 0, 0),
    case("space after the version", raw("GET / HTTP/1.1 "), 400, 0, 1, 0,
         "nginx skips it; RFC 9112 3 has none there"),
    case("lower-case method", raw("get / HTTP/1.1"), 501, 0, 0, 1,
         "methods are case sensitive; haproxy passes any token"),
    case("unknown method", raw("FROB / HTTP/1.1"), 501, 0, 1, 1,
         "both pass any token; a t3 server serves only what HTTP defines"),
    case("method and length glued", raw("GET:/ HTTP/1.1"), 400, 0, 0, 0),
    case("HTTP/2.0", raw("GET / HTTP/2.0"), 505, 0, 0, 1, "haproxy passes it as 1.1; HTTP/2 does not look like this"),
    case("HTTP/1.2", raw("GET / HTTP/1.2"), 505, 0, 1, 1, "both pass it as 1.1; what 1.2 would mean nobody knows"),
    case("HTTP/0.9", b"GET /\r\n\r\n", 505, 0, 1, 0, "nginx still speaks it"),
    case("HTTP/01.1", raw("GET / HTTP/01.1"), 400, 0, 0, 0),
    case("http/1.1", raw("GET / http/1.1"), 400, 0, 0, 0),
    case("HTTP/1.0", raw("GET / HTTP/1.0"), 200, 1, 1, 1),
    case("HTTP/1.0 with a second one", raw("GET /first HTTP/1.0") + SECOND.encode(), 200, 1, 1, 1),
    case("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 0, 0, 0),
    case("TLS on a plain port", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n", 400, 0, 0, 0),
    # ---- targets and hosts
    case("no Host", raw("GET / HTTP/1.1", host=None), 400, 0, 0, 1,
         "haproxy leaves it to the backend; RFC 9112 3.2 wants 400 from every server"),
    case("no Host in 1.0", raw("GET / HTTP/1.0", host=None), 200, 1, 1, 1),
    case("two Hosts", raw("GET / HTTP/1.1", "Host: evil"), 400, 0, 0, 0),
    case("the same Host twice", raw("GET / HTTP/1.1", "Host: lab"), 400, 0, 0, 1, "as above"),
    case("Host empty", raw("GET / HTTP/1.1", host="Host:"), 400, 0, 0, 1,
         "haproxy passes it; an http URI without a host is invalid"),
    case("Host with a path", raw("GET / HTTP/1.1", host="Host: lab/evil"), 400, 0, 0, 1,
         "haproxy leaves it to the backend"),
    case("Host a list", raw("GET / HTTP/1.1", host="Host: lab, evil"), 400, 0, 0, 1, "as above"),
    case("Host with user", raw("GET / HTTP/1.1", host="Host: lab@evil"), 400, 0, 1, 1,
         "both pass it; Host has no user, and readers differ in which side of the @ is the host"),
    case("absolute form", raw("GET http://lab/a HTTP/1.1"), 200, 1, 1, 1, sees=[b"get /a http/1.1", b"host: lab"]),
    case("absolute form for another host", raw("GET http://evil/a HTTP/1.1"), 400, 0, 1, 0,
         "nginx believes the target, RFC 9112 3.2.2; the proxy before us routed by Host, so they must agree"),
    case("absolute form with user", raw("GET http://u@lab/a HTTP/1.1"), 400, 0, 0, 1,
         "haproxy passes it; the target must name exactly what Host names"),
    case("absolute form of ftp", raw("GET ftp://lab/a HTTP/1.1"), 400, 0, 1, 1,
         "both take any scheme; a t3 server speaks HTTP"),
    case("no slash", raw("GET a HTTP/1.1"), 400, 0, 0, 0),
    case("fragment", raw("GET /a#b HTTP/1.1"), 400, 0, 1, 0,
         "nginx passes it; a fragment is never sent, and readers differ in where the path ends"),
    case("byte above 127 in the target", raw("GET /\xe9 HTTP/1.1"), 200, 1, 1, 0,
         "haproxy refuses it; curl and others send paths in UTF-8 as they are, and it divides nothing"),
    case("dots in the target", raw("GET /a/../b HTTP/1.1"), 200, 1, 1, 1, sees=[b"get /a/../b "]),
    case("encoded line end in the target", raw("GET /a%0d%0ab HTTP/1.1"), 200, 1, 1, 1, sees=[b"get /a%0d%0ab "]),
    case("OPTIONS *", raw("OPTIONS * HTTP/1.1"), 200, 1, 0, 1,
         "nginx knows no asterisk form; it is RFC 9112 3.2.4", sees=[b"options * http/1.1"]),
    case("GET *", raw("GET * HTTP/1.1"), 400, 0, 0, 1, "haproxy passes it; the asterisk belongs to OPTIONS"),
    case("CONNECT", raw("CONNECT lab:443 HTTP/1.1"), 501, 0, 0, 1,
         "haproxy passes it; a t3 server is no proxy, and a 200 to it would end the framing"),
    case("TRACE", raw("TRACE / HTTP/1.1"), 501, 0, 0, 1, "haproxy passes it; it would mirror cookies"),
    case("HEAD, then another", raw("HEAD /first HTTP/1.1") + SECOND.encode(), [200, 200], 2, 2, 2,
         methods=["HEAD", "GET"]),
    # ---- bodies where none is expected, and requests inside of bodies
    case("a request as a body", post(f"Content-Length: {len(SECOND)}", body=SECOND), 200, 1, 1, 1),
    case("a request as a body of GET", raw("GET / HTTP/1.1", f"Content-Length: {len(SECOND)}", body=SECOND),
         200, 1, 1, 1),
    case("a request as a chunk", chunked(f"{len(SECOND):x}\r\n{SECOND}\r\n{LAST}"), 200, 1, 1, 1),
    case("a chunked GET", raw("GET / HTTP/1.1", "Transfer-Encoding: chunked", body=LAST + SECOND),
         [200, 200], 2, 2, 2),
    case("a request behind what is refused", raw("GET / HTTP/1.1", "A : b") + SECOND.encode(), 400, 0, 0, 0),
    # ---- chunks
    case("chunk size 0x5", chunked("0x5\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("chunk size +5", chunked("+5\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("chunk size -5", chunked("-5\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("chunk size empty", chunked("\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("chunk size beyond 64 bits", chunked("10000000000000005\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("chunk size behind a space", chunked(" 5\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("chunk size before a space", chunked("5 \r\nhello\r\n" + LAST), 400, 0, 1, 1,
         "both skip it; RFC 9112 7.1.1 has no white space there"),
    case("chunk size ends in LF", chunked("5\nhello\r\n" + LAST), 400, 0, 1, 1,
         "both take LF for CRLF; the classic way to smuggle by chunks"),
    case("chunk ends in LF", chunked("5\r\nhello\n" + LAST), 400, 0, 1, 1, "as above"),
    case("chunk longer than it says", chunked("5\r\nhello!\r\n" + LAST), 400, 0, 0, 0),
    case("last chunk ends in LF", chunked("5\r\nhello\r\n0\n\n"), 400, 0, 1, 1, "as above"),
    case("chunk extension", chunked("5;a=b\r\nhello\r\n" + LAST), 200, 1, 1, 1),
    case("quoted chunk extension", chunked('5;a="b;c"\r\nhello\r\n' + LAST), 200, 1, 1, 1),
    case("LF in a chunk extension", chunked("5;a\nb\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("CR in a chunk extension", chunked("5;a\rb\r\nhello\r\n" + LAST), 400, 0, 0, 0),
    case("chunk extension of 20 KB", chunked("5;" + "a" * 20000 + "\r\nhello\r\n" + LAST), 400, 0, 1, 0,
         "nginx has no limit; ours is 16 KiB of extensions and trailers"),
    case("trailer", chunked("5\r\nhello\r\n0\r\nA: b\r\n\r\n"), 200, 1, 1, 1),
    case("trailer with a length", chunked("5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n" + SECOND),
         [200, 200], 2, 2, 2),
    case("trailer without a colon", chunked("5\r\nhello\r\n0\r\nGET /second HTTP/1.1\r\n\r\n"), 400, 0, 1, 0,
         "nginx drops trailers unread; a request line must not travel as one"),
    case("trailer with a space before the colon", chunked("5\r\nhello\r\n0\r\nA : b\r\n\r\n"), 400, 0, 1, {0, 1},
         "nginx drops trailers, haproxy passes it or not from one run to the next; we hold it to what fields are"),
    case("folded trailer", chunked("5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"), 400, 0, 1, 1, "as above"),
    case("trailer ends in LF", chunked("5\r\nhello\r\n0\r\nA: b\n\r\n"), 400, 0, 1, 1, "as above"),
    case("a trailer names the user", chunked("5\r\nhello\r\n0\r\nX-authentik-username: bob\r\n\r\n"), 200, 1, 1, 1),
    # ---- what belongs to one hop
    case("Connection names the length", post("Connection: Content-Length", "Content-Length: 5", body="hello"),
         200, 1, 1, 1,
         sees=[b"content-length: 5", b"hello"]),
    case("Connection names the coding", chunked("5\r\nhello\r\n" + LAST, "Connection: Transfer-Encoding"),
         200, 1, 1, 1, sees=[b"transfer-encoding: chunked", b"hello"]),
    case("Connection names Host", raw("GET / HTTP/1.1", "Connection: Host"), 200, 1, 1, 1, sees=[b"host: lab"]),
    case("Connection names another", raw("GET / HTTP/1.1", "Connection: A", "A: b"), 200, 1, 1, 1, hides=[b"a: b"]),
    case("Connection names the user", raw("GET / HTTP/1.1", "Connection: X-authentik-username"), 400, 0, 1, 1,
         "only to us does the header say who it is"),
    case("TE", raw("GET / HTTP/1.1", "Connection: TE", "TE: trailers, chunked"), 200, 1, 1, 1, hides=[b"\nte:"]),
    case("Proxy-Connection", raw("GET / HTTP/1.1", "Proxy-Connection: close"),
         200, 1, 1, 1, hides=[b"proxy-connection"]),
    case("Expect", post("Expect: 100-continue", "Content-Length: 5", body="hello"), 200, 1, 1, 1),
    case("Expect with another word", post("Expect: tea", "Content-Length: 5", body="hello"), 200, 1, 1, 1),
    # ---- upgrades that the backend does not answer with 101
    case("WebSocket, then another", raw("GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", KEY,
                                        "Sec-WebSocket-Version: 13") + SECOND.encode(), [200, 200], 2, 2, 2,
         sees=[b"upgrade: websocket", b"connection: upgrade"]),
    case("Upgrade without Connection", raw("GET /ws HTTP/1.1", "Upgrade: websocket", KEY), 200, 1, 1, 1,
         hides=[b"upgrade:"]),
    case("WebSocket without a key", raw("GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"),
         200, 1, 1, 0, "haproxy refuses it; without a key it is no upgrade to us, so a plain request is passed",
         hides=[b"upgrade:"]),
    case("WebSocket by POST", raw("POST /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", KEY,
                                  "Content-Length: 5", body="hello"), 200, 1, 1, 1, hides=[b"upgrade:"]),
    case("WebSocket in 1.0", raw("GET /ws HTTP/1.0", "Connection: Upgrade", "Upgrade: websocket", KEY), 200, 1, 1, 1,
         hides=[b"upgrade:"]),
    case("WebSocket with a body", raw("GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", KEY,
                                      "Content-Length: 5", body="hello"), 400, 0, 1, 1,
         "both pass it; whether the bytes behind it are a body or frames is anybody's guess"),
    case("WebSocket with a body of nothing", raw("GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", KEY,
                                                 "Content-Length: 0"), 200, 1, 1, 1),
    case("Upgrade to h2c", raw("GET / HTTP/1.1", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                               "HTTP2-Settings: AAMAAABkAAQAAP__"), 200, 1, 1, 1, hides=[b"h2c", b"http2-settings"]),
    case("Upgrade to h2c or WebSocket",
         raw("GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c, websocket", KEY), 200, 1, 1, 1,
         sees=[b"upgrade: websocket\r\n"], hides=[b"h2c"]),
    # ---- who it is
    case("the user twice", raw("GET / HTTP/1.1", ALICE), 400, 0, 1, 1, "only to us does the header say who it is"),
    case("the user aliased", raw("GET / HTTP/1.1", "X_authentik_username: bob"), 400, 0, 1, 1,
         "as above; - and _ are one to many readers"),
    case("an unknown user", raw("GET / HTTP/1.1").replace(b": alice", b": mallory"), 403, 0, 1, 1,
         "only we have a table of users"),
    case("nobody", raw("GET / HTTP/1.1").replace(ALICE.encode() + b"\r\n", b""), 403, 0, 1, 1, "as above"),
]


class Backend:
    """Answers every whole request with its method and target, and keeps the bytes of all of them."""

    def __init__(self):
        self.requests, self.broken, self.heads = [], [], 0
        self.lock, self.connections = threading.Lock(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self.connections.append(thread)
            thread.start()

    def _serve(self, sock):
        c = Recorder(sock, self)
        try:
            while True:
                data = c.whole_request()
                with self.lock:
                    self.requests.append(data)
                method, target = (data.split(b"\r\n")[0].split(b" ") + [b""])[:2]
                body = b"" if method == b"HEAD" else method + b" " + target
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        except (EOFError, OSError, ValueError):
            if c.taken:
                with self.lock:
                    self.broken.append(c.taken + c.buffer)
        finally:
            sock.close()

    def take(self):
        """The whole requests since the last time."""
        with self.lock:
            found, self.requests = self.requests, []
        return [r for r in found if b" /sentinel " not in r.split(b"\r\n")[0]]

    def settle(self):
        """Waits until all connections have ended, so that what take says is all there was."""
        wait.until(lambda: not any(t.is_alive() for t in self.connections), what="the end of its connections")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Recorder(http.Connection):
    """Reads requests by the letter of RFC 9112, keeping their bytes."""

    def __init__(self, sock, backend):  # pylint: disable=super-init-not-called
        self.sock, self.buffer, self.taken, self.backend = sock, b"", b"", backend

    def line(self):
        data = self.read_until(b"\n") + b"\n"
        self.taken += data
        return data

    def block(self, size):
        data = self.read(size)
        self.taken += data
        return data

    def whole_request(self):
        self.taken = b""
        while self.line() != b"\r\n":
            pass
        head = self.taken
        self.backend.heads += 1
        length = re.search(rb"\ncontent-length: *(\d+)", head, re.I)
        if re.search(rb"\nexpect: *100-continue", head, re.I):
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if re.search(rb"\ntransfer-encoding: *chunked", head, re.I):
            while (size := int(self.line().split(b";")[0], 16)) > 0:
                self.block(size + 2)
            while self.line() != b"\r\n":
                pass
        elif length:
            self.block(int(length.group(1)))
        data, self.taken = self.taken, b""
        return data


# ---- the peers, as plain reverse proxies

def peer(name, argv, conf, backend):
    """Starts it; the port of its own is written into the text of its configuration."""
    folder, port = process.folder(), ports.free()
    path = f"{folder}/{name}.conf"
    with open(path, "w", encoding="ascii") as f:
        f.write(conf.replace("FOLDER", folder).replace("BACKEND", str(backend)).replace("PORT", str(port)))
    started = process.Process([a.replace("CONF", path).replace("FOLDER", folder) for a in argv], name)
    wait.until(lambda: ports.open_(port) or not started.alive(), what=f"{name} to listen")
    if not started.alive():
        raise AssertionError(f"{name} ended:\n{started.log()}")
    return started, ("127.0.0.1", port)


NGINX_CONF = """
daemon off; pid FOLDER/pid; error_log stderr error; worker_processes 1;
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p; fastcgi_temp_path FOLDER/f;
  uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; lingering_timeout 1s;
  map $http_upgrade $conn { default upgrade; '' ''; }
  upstream backend { server 127.0.0.1:BACKEND; keepalive 16; }
  server {
    listen 127.0.0.1:PORT;
    location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_request_buffering off; proxy_read_timeout 5s;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $conn; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
"""

HAPROXY_CONF = """
defaults
  mode http
  timeout connect 5s
  timeout client 1s
  timeout http-request 1s
  timeout http-keep-alive 1s
  timeout server 5s
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:PORT
  default_backend b
backend b
  option forwardfor
  server s 127.0.0.1:BACKEND
"""

# ---- one case through one proxy

SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: lab\r\nX-authentik-username: alice\r\nConnection: close\r\n\r\n"
Outcome = collections.namedtuple("Outcome", "answers sentinel rest")


def play(address, one, piece=None):
    """Sends the case (in pieces of that size) and, if the connection lives on, a request of known answer
    behind it: bytes that were left over, or an answer too many, would meet that one."""
    answers, sentinel, rest = [], None, b""
    with http.Connection(address) as c:
        try:
            for at in range(0, len(one.bytes), piece or len(one.bytes)):
                c.send(one.bytes[at:at + (piece or len(one.bytes))])
            for method in one.methods:
                r = c.response(method)
                answers.append(r.status)
                if "close" in r.header("connection", "").lower():
                    break
            else:
                c.send(SENTINEL)
                sentinel = c.response()
            rest = c.read_to_end()
        except (EOFError, ConnectionError):
            pass
        except ValueError:  # an answer without a head, as HTTP/0.9 has it
            rest = c.read_to_end()
    return Outcome(answers, sentinel, rest)


def t3ops(backend):
    return Daemon({"max_header_bytes": "8K", "max_headers": 64, "header_timeout": "2s", "body_timeout": "2s",
                   "keepalive_timeout": "2s"}, 'plugin "probe_echo" {}\n', users={"alice": backend.port})


FIELD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: ?[^\x00-\x08\x0a-\x1f\x7f]*\Z")


def faults(data):
    """What in bytes that t3ops sent on could be understood in two ways."""
    head, _, _ = data.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    names = [f.split(b":")[0].lower() for f in fields]
    found = [f for f in fields if not FIELD.match(f)]
    if not re.match(rb"[A-Z]+ [^\s\x00-\x20\x7f]+ HTTP/1\.[01]\Z", line):
        found.append(line)
    for name in (b"content-length", b"transfer-encoding", b"host", b"connection"):
        if names.count(name) > 1:
            found.append(name + b" more than once")
    if b"content-length" in names and b"transfer-encoding" in names:
        found.append(b"length and coding")
    return found


def is_refused(one):
    """Whether validation rejects it; 403 is said to those who came through it."""
    return one.answers[-1] >= 400 and one.answers[-1] != 403


class Differential(unittest.TestCase):
    def check_t3ops(self, one, outcome, requests):
        self.assertEqual(outcome.answers, one.answers)
        self.assertEqual(len(requests), one.seen, requests)
        self.assertEqual(outcome.rest, b"", "an answer to what nobody asked")
        if is_refused(one):
            self.assertIsNone(outcome.sentinel, "the connection is closed behind a refusal")
        elif b"HTTP/1.0\r\n" in one.bytes:
            self.assertIsNone(outcome.sentinel, "1.0 means one request a connection")
        else:
            self.assertIsNotNone(outcome.sentinel, "the connection lives on")
            self.assertEqual((outcome.sentinel.status, outcome.sentinel.body), (200, b"GET /sentinel"))
        for data in requests:
            self.assertEqual(faults(data), [], data)
        whole = b"".join(requests).lower()
        for text in one.sees:
            self.assertIn(text, whole)
        for text in one.hides:
            self.assertNotIn(text, whole)

    def play_all(self, piece):
        with Backend() as backend, t3ops(backend) as d:
            for one in CASES:
                with self.subTest(case=one.name):
                    self.check_t3ops(one, play(d.proxy, one, piece), backend.take())
            refused = sum(v for k, v in d.metrics().items() if k.startswith("t3ops_requests_rejected_total{"))
            self.assertEqual(refused, sum(is_refused(one) for one in CASES), "each refusal is counted by its reason")
            d.stop()
            backend.settle()
            self.assertEqual(backend.take(), [], "requests that came later than the answer")

    def test_t3ops(self):
        self.play_all(None)

    def test_t3ops_byte_by_byte(self):
        """However the bytes are cut, they mean the same."""
        self.play_all(1)

    def test_bad_chunk_behind_a_good_one(self):
        """The head is with the backend already: it must see that the request never became whole."""
        with Backend() as backend, t3ops(backend) as d, http.Connection(d.proxy) as c:
            c.send(chunked("5\r\nhello\r\n"))
            wait.until(lambda: backend.heads, what="the head at the backend")
            c.send(f"5 \r\nhello\r\n{LAST}{SECOND}".encode())
            self.assertEqual(c.response().status, 400)
            self.assertTrue(c.at_end())
            d.stop()
            backend.settle()
            self.assertEqual(backend.take(), [])
            self.assertEqual(len(backend.broken), 1)
            self.assertTrue(backend.broken[0].endswith(b"\r\n\r\n5\r\nhello\r\n"), backend.broken)

    def check_peer(self, name, program, argv, conf):
        said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True)
        known = re.search(KNOWN[name], said.stdout + said.stderr)
        with Backend() as backend:
            running, address = peer(name, argv, conf, backend.port)
            with running:
                for one in CASES:
                    outcome, want = play(address, one), getattr(one, name)
                    want = want if isinstance(want, set) else {want}
                    seen = len(backend.take())
                    with self.subTest(case=one.name, through=name):
                        if known:
                            self.assertIn(seen, want, f"{name} answered {outcome.answers}")
                        elif seen not in want:
                            print(f"note: this {name} lets {seen} through of {one.name!r}, the table says {want}")

    @unittest.skipUnless(NGINX, "nginx is not installed")
    def test_nginx(self):
        self.check_peer("nginx", NGINX, [NGINX, "-c", "CONF", "-p", "FOLDER"], NGINX_CONF)

    @unittest.skipUnless(HAPROXY, "haproxy is not installed")
    def test_haproxy(self):
        self.check_peer("haproxy", HAPROXY, [HAPROXY, "-db", "-f", "CONF"], HAPROXY_CONF)

    def test_table(self):
        """Every difference has a reason, and every reason a difference."""
        self.assertEqual(len({one.name for one in CASES}), len(CASES))
        for one in CASES:
            with self.subTest(case=one.name):
                self.assertEqual(bool(one.why), (one.nginx, one.haproxy) != (one.seen, one.seen))
                self.assertLessEqual(one.seen, len(one.answers), "never more requests than were sent")


if __name__ == "__main__":
    unittest.main()

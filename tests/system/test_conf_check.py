#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `t3ops -t` says to wrong and doubtful files, and that a start and a reload say the same."""
import os
import re
import shutil
import sqlite3
import subprocess
import unittest

from lab import account, process, wait
from lab.daemon import Daemon, plugin_dir, plugin_dir_with, section

SOURCE = process.source_dir()

FILE = """\
listen          = "127.0.0.1:3780"
status_listen   = "127.0.0.1:9108"
trusted_proxies = {{"10.0.20.0/24"}}
users           = "{dir}/users"
user            = "{user}"
control         = "{dir}/control.sock"
state_dir       = "{dir}/state"
plugin_dir      = "{plugins}"
command "mint" {{
    argv    = {{"/bin/true", "--base-dir", "%h/.t3", "--json"}}
    timeout = "10s"
}}
plugin "probe_echo"    {{}}
plugin "session_check" {{}}
plugin "auto_pair"     {{}}
plugin "probe_cloudflare" {{
    url = "wss://t3.example.com/probe/ws"
}}
plugin "probe_internal" {{
    url      = "wss://t3.example.com/probe/ws"
    address  = "10.0.20.203"
    segments = {{"traefik", "dispatch"}}
}}
plugin "probe_t3serve" {{}}
plugin "backup" {{
    to = "{dir}/backups"
    at = "03:30"
}}
"""
ECHO, CHECK, PAIR = 'plugin "probe_echo"    {}\n', 'plugin "session_check" {}\n', 'plugin "auto_pair"     {}\n'
TRUSTED, ARGV = '{"10.0.20.0/24"}', '{"/bin/true", "--base-dir", "%h/.t3", "--json"}'
INNER = '{"traefik", "dispatch"}'

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIUbjAsK5U1ysHz2B1tPZW+WkgoUUgwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBdDAeFw0yNjExMjYxODQ5MTdaFw0zNjExMjMxODQ5MTdaMAwx
CjAIBgNVBAMMAXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS6NU/U7imBWfZh
mior751f0QKej+pzCRzPr12i8j7yXbdNs+Muv8o5EKSSU/Eqed2dAOY6AVfzO3dk
K8qiFq2Bo1MwUTAdBgNVHQ4EFgQU16NtJTaFbZy9c2/O1ZTfcq+NhU0wHwYDVR0j
BBgwFoAU16NtJTaFbZy9c2/O1ZTfcq+NhU0wDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiEAumGt2Er2xiArQqKLZdz1lAGj6TC8lGfX2RR9nqkQZpkC
ICihpeCrJIm7G5rifiU/x/e4FwUjpDwgRRuGVMeW8tPb
-----END CERTIFICATE-----
"""
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n"

# (what is replaced, by what, the lines in their order, without FILE:)
ERRORS = (
    # what other formats write
    (INNER, '["traefik", "dispatch"]', r'22: "\[": lists are written \{ "a", "b" \}'),
    ('"10.0.20.203"', '"10.0.20.203";', r'21: ";": an option does not end with ";": remove it'),
    ('plugin "backup"', '; a comment\nplugin "backup"', r'25: ";": comments begin with #'),
    ('listen  ', "\ufefflisten  ", r"1: a byte order mark: save the file as UTF-8 without one"),
    ('timeout = "10s"', 'timeout: "10s"', r"11: timeout: options are written NAME = VALUE"),
    ('plugin "backup" {', "[backup]\nx {", r'25: "\[": sections are written plugin "name" \{ ... \}', r'26: unknown section "x"'),
    ('    timeout = "10s"\n}\n', '    timeout = "10s"\n', r'12: a section begins inside "mint" of line 9: a "}" is missing before it'),
    ('at = "03:30"\n}', 'at = "03:30"\n', r'25: plugin "backup" is not closed: expected "}"'),
    ('"10.0.20.203"', '"10.0.20.203', r"21: a string that is not closed on its line: expected a quote at its end"),
    # one value
    (TRUSTED, '{"10.0.20.5/24"}', r'3: trusted_proxies: "10.0.20.5/24": expected no bits set beyond /24; did you mean "10.0.20.0/24"\?'),
    (TRUSTED, '{"10.0.20.0/24", "proxy"}', r'3: trusted_proxies: "proxy": expected a network such as "10.0.20.0/24"'),
    ('"{user}"', '"root"', r'5: user = "root": expected an account that is not root'),
    ('listen          = "127.0.0.1:3780"', 'listen = "localhost:3780"', r'1: listen: "localhost:3780": expected ADDRESS:PORT with a numeric address'),
    ('listen          = "127.0.0.1:3780"', 'listen = "unix:proxy.sock"', r'1: listen: "unix:proxy.sock": expected unix:PATH with an absolute path'),
    ('listen          = "127.0.0.1:3780"', 'listen = {"unix:/run/a", "unix:/run/a"}', r'1: listen: "unix:/run/a" and "unix:/run/a" cannot both be bound'),
    ('status_listen   = "127.0.0.1:9108"', 'status_listen = "unix:/run/a"', r'2: status_listen = "unix:/run/a": expected ADDRESS:PORT'),
    ('listen  ', 'proxy_protocol = "127.0.0.1:3781"\nlisten  ', r'1: proxy_protocol: "127.0.0.1:3781": expected an address of listen, written as there'),
    ('listen  ', 'listen_mode = "0999"\nlisten  ', r'1: listen_mode = "0999": expected an octal number such as 0660'),
    ('listen  ', 'listen_group = "no-such-group"\nlisten  ', r'1: listen_group = "no-such-group": no such group on this machine'),
    ('listen          = "127.0.0.1:3780"', 'listen = {}', r"1: listen: expected at least one address"),
    ("wss://t3.example.com/probe/ws\"\n}", "https://t3.example.com/probe/ws\"\n}",
     r'17: plugin probe_cloudflare: url = "https://t3.example.com/probe/ws": expected the URL of a WebSocket: it begins with wss:// \(or ws://\)'),
    ('url = "wss', 'ca_file = "/etc/passwd"\nurl = "wss', r'17: plugin probe_cloudflare: ca_file = "/etc/passwd": expected certificates in PEM form'),
    (ARGV, '"/usr/bin/t3 auth pairing create --json"', r'10: command mint: argv: "/usr/bin/t3 auth pairing create --json" is one word with blanks; write a list'),
    (ARGV, '{"t3", "auth"}', r'''10: command mint: argv: "t3": expected the program's absolute path'''),
    ('address  = "10.0.20.203"', 'address = "traefik"', r'21: plugin probe_internal: address = "traefik": expected a numeric IPv4 or IPv6 address'),
    ('listen  ', 'header_timeout = "0s"\nlisten  ', r'1: header_timeout = "0": expected at least 1ms|1: header_timeout = "0s": expected at least 1ms'),
    # several
    ('status_listen   = "127.0.0.1:9108"', 'status_listen = "127.0.0.1:3780"', r'2: status_listen = "127.0.0.1:3780": conflicts with "127.0.0.1:3780" of listen'),
    ('listen          = "127.0.0.1:3780"', 'listen = {"127.0.0.1:3780", "0.0.0.0:3780"}', r'1: listen: "127.0.0.1:3780" and "0.0.0.0:3780" cannot both be bound'),
    ('listen          = "127.0.0.1:3780"', 'listen = {"127.0.0.1:3780", "[::]:3780"}', r'1: listen: "127.0.0.1:3780" and "\[::\]:3780" cannot both be bound'),
    ('listen  ', 'identity_header = "X-A"\nproxy_secret_header = "x-a"\nlisten  ', r'2: proxy_secret_header = "x-a": expected another header than identity_header'),
    *((("listen  ", f'{option} = "{header}"\nlisten  ', rf'1: {option} = "{header}": it has a meaning of its own in HTTP'))
      for option in ("identity_header", "proxy_secret_header")
      for header in ("Cookie", "Host", "Content-Length", "content_length", "Transfer.Encoding", "Connection", "Keep-Alive", "Upgrade", "TE",
                     "X-Forwarded-For", "x_forwarded_proto", "X-Real-IP", "Forwarded", "Via", "Sec-WebSocket-Key", "sec_websocket_protocol",
                     "Proxy-Authorization", "Authorization", "Max-Forwards", "Content-Type", "User-Agent")),
    ('listen  ', 'identity_header = "X-A"\nproxy_secret_header = "x_a"\nlisten  ', r'2: proxy_secret_header = "x_a": expected another header than identity_header'),
    *(('listen          = "127.0.0.1:3780"', f'listen = {{"{a}:3780", "{b}:3780"}}', rf'1: listen: "{re.escape(a)}:3780" and "{re.escape(b)}:3780" cannot both be bound')
      for a, b in (("[0::1]", "[::1]"), ("[0::0]", "127.0.0.1"), ("[::ffff:127.0.0.1]", "127.0.0.1"), ("[::ffff:0.0.0.0]", "127.0.0.1"),
                   ("[::ffff:7f00:1]", "[::ffff:127.0.0.1]"), ("127.0.0.1", "[::]"))),
    *(('status_listen   = "127.0.0.1:9108"', f'status_listen = "{a}:3780"', rf'2: status_listen = "{re.escape(a)}:3780": conflicts with "127.0.0.1:3780" of listen')
      for a in ("[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]", "[0::0]")),
    *(("listen          = \"127.0.0.1:3780\"", f'listen = "{a}:3780"', rf'1: listen: "{re.escape(a)}:3780": {why}') for a, why in (
        ("[fe80::1]", "a link-local address needs a device"), ("[ff02::1]", "nobody can connect to a group's address"),
        ("224.0.0.1", "nobody can connect to a group's address"), ("255.255.255.255", "nobody can connect to a group's address"),
        ("[2001:db8::55]", "this machine has no such address"))),
    ('{dir}/control.sock', "{dir}/no-dir/control.sock", r'6: control = ".*": .*/no-dir: No such file or directory: create it'),
    ('listen          = "127.0.0.1:3780"', 'listen = "unix:{dir}/no-dir/p.sock"', r'1: listen = "unix:.*": .*/no-dir: No such file or directory: create it'),
    ('listen          = "127.0.0.1:3780"', 'listen = "unix:{dir}/users"', r'1: listen = "unix:.*/users": something else than a socket has that name'),
    *(('listen          = "127.0.0.1:3780"', f'listen = {{"unix:{{dir}}/p.sock", "unix:{other}"}}',
       r'1: listen: "unix:.*/p.sock" and "unix:.*" name one socket: remove one')
      for other in ("{dir}//p.sock", "{dir}/state/../p.sock", "{dir}/link/p.sock")),
    ('listen          = "127.0.0.1:3780"', 'listen = "unix:{dir}/control.sock"', r'1: listen: "unix:.*/control.sock" and ".*/control.sock" of control name one socket'),
    ('{dir}/control.sock', "/proc/control.sock", r'6: control = "/proc/control.sock": no socket can be made in /proc'),
    ('{dir}/state', "/tmp" + 500 * "/aaaaaaa", r'7: state_dir = "/tmp[/a]+": expected a path of at most 3840 bytes'),
    ('{dir}/state', "/tmp/" + 256 * "a", r'7: state_dir = "/tmp/a+": expected names of at most 255 bytes in the path'),
    ('{plugins}', "/tmp" + 500 * "/aaaaaaa", r'8: plugin_dir = "/tmp[/a]+": expected a path of at most 3840 bytes'),
    ('address  = "10.0.20.203"', 'address = "127.0.0.1:0"', r'21: plugin probe_internal: address = "127.0.0.1:0": expected a numeric IPv4 or IPv6 address'),
    ('address  = "10.0.20.203"', 'address = "127.0.0.1"\ninterface = "::1"',
     r'22: plugin probe_internal: interface = "::1": of another family than address = "127.0.0.1"'),
    *(("listen  ", f'allowed_origins = {{"{o}"}}\nlisten  ', rf'1: allowed_origins: "{re.escape(o)}": expected an origin')
      for o in ("https://:1", "https://a:99999", "https://a:0", "https://ä", "https://[::1", "https://a..b", "https://a:", "ftp://a", "https://a:443", "http://[::1]:80")),
    *(("listen  ", f'client_address_headers = {{"X-Forwarded-For", "{name}"}}\nlisten  ', rf'1: client_address_headers: "{name}": not the name of a header')
      for name in ("X Real", "X-Real-IP:")),
    *(("listen  ", f'{option} = "1us"\nlisten  ', rf'1: {option} = "1us": expected at least "{least}", or "0" for {zero}')
      for option, least, zero in (("recheck_tunnels", "1s", "never"), ("journal_retain", "1h", "no limit"))),
    ('url = "wss', 'fresh = "1us"\nurl = "wss', r'17: plugin probe_cloudflare: fresh = "1us": expected at least "100ms", or "0" for never'),
    ('at = "03:30"', 'every = "10ms"', r'27: plugin backup: every = "10ms": expected at least "1s", or "0" for never'),
    ("listen          = \"127.0.0.1:3780\"", 'listen = "192.0.2.55:3780"', r'1: listen: "192.0.2.55:3780": this machine has no such address'),
    ("{dir}/control.sock", "{dir}/users", r'6: control = ".*/users": something else than a socket has that name'),
    ('"{user}"', '{"a", "b"}', r"5: user: expected one value, not a list"),
    ("at = ", 'listen = "127.0.0.1:1"\nat = ', r'27: plugin backup: unknown option "listen"; it belongs outside sections'),
    ("listen  ", 'user_path = {}\nlisten  ', r"1: user_path: expected at least one segment"),
    ("listen  ", 'user_path = {"a"}\nlisten  ', r'1: user_path: segment "last_mile", of per_user, is not in user_path: add it, or set per_user'),
    # one fault, one line
    (ECHO, 'plugin "probe\\_echo" {}\n', r"13: unknown escape in a string"),
    (ECHO, 'plugin "../probe_echo" {}\n', r'13: plugin "../probe_echo": expected a name of at most 31'),
    (ECHO, 'plugin "echo" { module += "probe_echo" }\n', r'13: module: "\+=" is not known'),
    (ECHO, 'plugin "probe_echo" { plugin "session_check" {} }\n', r'13: a section begins inside "probe_echo" of line 13: a "}" is missing',
     r'14: plugin "session_check" is a duplicate of line 13'),
    (INNER, "{}", r"22: plugin probe_internal: segments: expected at least one segment"),
    ("listen  ", 'user_path = {"wan", "serve"}\nlisten  ', r'1: user_path: segment "last_mile", of per_user, is not in user_path'),
    ("wss://t3.example.com/probe/ws\"\n}", "wss://t3.example.com:99999/probe/ws\"\n}", r"17: plugin probe_cloudflare: url = .*: expected a URL with the name or address of a host, and a port up to 65535"),
    ("{plugins}", "{dir}/no-plugins", r'8: plugin_dir = ".*/no-plugins": No such file or directory'),
    (PAIR, 'plugin "auto_pari" {}\n', r'15: plugin auto_pari: .*; did you mean "auto_pair"\?'),
    # plugins, by their own steps
    ('url = "wss://t3.example.com/probe/ws"\n}', 'url = "wss://t3.example.com/probe/ws"\nresolver = "https://dns.example.com/dns-query"\n}',
     r'18: plugin probe_cloudflare: resolver = "https://dns.example.com/dns-query": its host is a name, expected an address'),
    ('url = "wss://t3.example.com/probe/ws"\n}', 'url = "wss://192.0.2.1/probe/ws"\n}', r'17: plugin probe_cloudflare: url = "wss://192.0.2.1/probe/ws": its host is an address'),
    ('url = "wss://t3.example.com/probe/ws"\n}', 'url = "wss://t3.example.com/probe/ws"\ninterface = "::1"\n}',
     r'18: plugin probe_cloudflare: interface = "::1": of another family than the resolver\'s address'),
    (PAIR, 'plugin "auto_pair" { endpoints = {} }\n', r"15: plugin auto_pair: endpoints: empty: there is nowhere"),
    ('at = "03:30"', 'database = "%x/state"', r'27: plugin backup: database = "%x/state": expected %h, %u, %n or %% after a percent sign'),
    ('at = "03:30"', 'encrypt_key = "%x/key"', r'27: plugin backup: encrypt_key = "%x/key": expected %h, %u, %n or %% after a percent sign'),
    ('at = "03:30"', 's3_credentials = "key"', r'27: plugin backup: s3_credentials = "key": expected an absolute path, or one that begins with %h'),
    *(("listen  ", f'status_hosts = {{"t3ops", "{host}"}}\nlisten  ', rf'1: status_hosts: "{re.escape(host)}": expected a host name without a port')
      for host in ("a:80", "http://a", "a b", "*", "*.example.com", "a/b", "a..b", "a.")),
    ("listen  ", 'path_timeouts = {"/a=1s", "/b=2s", "/a=3s"}\nlisten  ', r'1: path_timeouts: "/a=3s": "/a=1s" is there already: remove one'),
    ("listen  ", 'trusted_local_users = {"no-such-proxy"}\nlisten  ', r'1: trusted_local_users: "no-such-proxy": no such account on this machine'),
    # plugins together
    (PAIR, "", r'14: plugin session_check: needs a plugin that provides pairing, and none is configured; add plugin "auto_pair" \{\}'),
    (CHECK + PAIR, "recheck_tunnels = \"10m\"\n", r"14: recheck_tunnels: no plugin provides pairing"),
    (CHECK, "recheck_tunnels = \"10m\"\n", r"14: recheck_tunnels: no plugin replaces dead sessions"),
    *(('plugin "backup" {', f'plugin "second" {{\n module = "backup"\n to = "{to}"\n every = "1h"\n retain = 1\n}}\nplugin "backup" {{',
       r'32: plugin backup: to = ".*/backups": plugin second has the same directory: expected one of its own')
      for to in ("{dir}/backups", "{dir}//backups/")),
    (PAIR, PAIR + 'plugin "other" { module = "auto_pair" }\n', r"16: plugin other: provides pairing, as plugin auto_pair does"),
)

WARNINGS = (
    *(('listen          = "127.0.0.1:3780"', f'listen = "unix:{path}"', rf'1: warning: listen = "unix:.*/p.sock": others than root can make or replace {folder}, and listen there')
      for path, folder in (("{dir}/open/p.sock", ".*/open"), ("/tmp/p.sock", "/tmp"), ("{dir}/p.sock", ".*"))),
    ('"127.0.0.1:9108"', '"0.0.0.0:9108"', r'2: warning: status_listen = "0.0.0.0:9108": whoever reaches this machine can read'),
    ('"127.0.0.1:9108"', '"[::]:9108"', r'2: warning: status_listen = "\[::\]:9108": whoever reaches this machine can read'),
    (TRUSTED, '{"0.0.0.0/0"}', r'3: warning: trusted_proxies: "0.0.0.0/0": every address there may say who the user is'),
    (TRUSTED, '{"10.0.20.0/24", "::/0"}', r'3: warning: trusted_proxies: "::/0": every address there may say who the user is'),
    (TRUSTED, '{"172.16.0.0/12"}', r'3: warning: trusted_proxies: "172.16.0.0/12": every address there may say who the user is'),
    (TRUSTED, '{"127.0.0.0/8"}', r'3: warning: trusted_proxies: "127.0.0.0/8" contains this machine, where only processes of root may'),
    *((TRUSTED, TRUSTED + f' trusted_upstreams = {{"10.0.30.0/24", "{network}"}}',
       rf'3: warning: trusted_upstreams: "{network}" contains this machine, where every account can listen') for network in ("127.0.0.0/8", "::1", "0.0.0.0/0")),
    *(('at = "03:30"', f'at = "03:30"\nencrypt_key = "{{dir}}/{path}"', rf'28: warning: plugin backup: encrypt_key = ".*/{path}": key .*/{path}: {why}')
      for path, why in (("no-key", "No such file or directory; no backup can be made"), ("", "not a regular file"),
                        ("users", "others may read it; chmod 600"))),
    (TRUSTED, "{}", r"3: warning: trusted_proxies: no proxy is trusted, so no user can be identified"),
    ('"/bin/true"', '"/usr/bin/no-such-t3"', r'10: warning: command mint: argv: "/usr/bin/no-such-t3": there is no such program'),
    ('"/bin/true"', '"/etc/passwd"', r'10: warning: command mint: argv: "/etc/passwd" cannot be run by (the )?account .*: /etc/passwd is closed to it'),
    ('"/bin/true"', '"/etc"', r'10: warning: command mint: argv: "/etc": not a program'),
    (ECHO, "", r'16: warning: plugin probe_cloudflare: url = ".*": no plugin of this file answers /probe/ws',
     r'19: warning: plugin probe_internal: url = ".*": no plugin of this file answers /probe/ws'),
    ('url = "wss://t3.example.com/probe/ws"\n}', 'url = "wss://t3.example.com"\n}',
     r'17: warning: plugin probe_cloudflare: url = "wss://t3.example.com": / is not where plugin probe_echo answers \(/probe/ws'),
    ('url = "wss://t3.example.com/probe/ws"\n}', 'url = "wss://t3.example.com/probe/echo?a=b"\n}',
     r"17: warning: plugin probe_cloudflare: url = .*: /probe/echo is not where plugin probe_echo answers"),
    (INNER, '{"traefic", "dispatch"}', r'22: warning: plugin probe_internal: segments: segment "traefic" is in no other list; did you mean "traefik"\?'),
    (INNER, '{"dispatch", "traefik"}', r'22: warning: plugin probe_internal: segments: "dispatch" comes before "traefik" here, but after it in user_path'),
    (ECHO + CHECK + PAIR, CHECK + PAIR + ECHO, r"15: warning: plugin probe_echo: comes after plugin session_check, which every request for /probe/ws /probe/healthz /probe/ passes first"),
    (ECHO + CHECK + PAIR, "", r"1: warning: listen: no request plugin is configured, so nothing listens",
     r"9: warning: command mint: no plugin's option names it",
     r'21: warning: plugin probe_t3serve: wants a plugin that provides pairing, and none is configured; add plugin "auto_pair" \{\}, or websocket = false'),
    (ECHO + CHECK + PAIR + 'plugin "probe_cloudflare"', ECHO + 'plugin "probe_cloudflare"', r"9: warning: command mint: no plugin's option names it",
     r"22: warning: plugin probe_t3serve: wants a plugin that provides pairing"),
    ('url = "wss://t3.example.com/probe/ws"\n}', 'url = "wss://t3.example.com/probe/ws"\ninterface = "nosuch0"\n}',
     r'18: warning: plugin probe_cloudflare: interface = "nosuch0": this machine has no such network device'),
    ('{dir}/users', "{dir}/no-table", r'4: warning: users = ".*/no-table": No such file or directory; until it can be read everybody is answered 503 after a start, and a reload is refused'),
    ('{dir}/state', "{dir}/no-state", r'7: warning: state_dir = ".*/no-state": No such file or directory'),
    ('{dir}/backups', "{dir}/no-dir/backups", r'26: warning: plugin backup: to = ".*/no-dir/backups": .*/no-dir: No such file or directory: create it'),
    ('{dir}/backups', "{dir}/open", r'26: warning: plugin backup: to = ".*/open": others can write there: chmod go-w it'),
    ("listen  ", 'drain_timeout = "0s"\nlisten  ', r'1: warning: drain_timeout = "0s": a reload ends every open connection'),
    ("listen  ", 'upstream_idle_timeout = "5s"\nlisten  ', r"1: warning: upstream_idle_timeout: t3 closes idle connections after 5s"),
    ('timeout = "10s"', 'timeout = "1m"', r"11: warning: command mint: timeout: a request that waits for it through plugin auto_pair is answered 503 sooner"),
    ('at = "03:30"', 'jitter = "1h"', r"25: warning: plugin backup: neither at nor every is given: it runs on demand only"),
    (TRUSTED, '{"0.0.0.0/1", "128.0.0.0/1"}', r'3: warning: trusted_proxies: "0.0.0.0/1": every address there may say who the user is'),
    ('plugin "probe_cloudflare" {\n    url = "wss://t3.example.com/probe/ws"\n}\nplugin "probe_internal" {\n    url      = "wss://t3.example.com/probe/ws"\n'
     '    address  = "10.0.20.203"\n    segments = {"traefik", "dispatch"}\n}\nplugin "probe_t3serve" {}\n',
     'leg_defaults {}\n', r"16: warning: leg_defaults: no leg is configured"),
    (CHECK + PAIR, 'plugin "pair" { module = "auto_pair" }\n', None),
    # segments that nobody else crosses may be meant: a way out and a target of its own surely are
    (INNER, '{"nope"}', r'22: note: plugin probe_internal: segments: segment "nope" is in no other list: this leg alone judges it$'),
    (INNER, '{"nope", "never"}', r'22: note: plugin probe_internal: segments: segment "nope" is in no other list: this leg alone judges it$',
     r'22: note: plugin probe_internal: segments: segment "never" is in no other list: this leg alone judges it$'),
    (INNER, '{"traefik", "nope", "dispatch"}', r'22: note: plugin probe_internal: segments: segment "nope" is in no other list: this leg alone judges it$'),
    (INNER, '{"starlink", "traefik", "vault"}', None),
    # who is never asked
    (ECHO, ECHO + 'plugin "echo2" { module = "probe_echo" }\n',
     r"14: warning: plugin echo2: comes after plugin probe_echo, which answers /probe/ws itself, so this one is never asked"),
    (CHECK, 'plugin "sample_check" {}\n' + CHECK,
     r"14: warning: plugin sample_check: comes after plugin probe_echo, which answers /probe/sample itself, so this one is never asked"),
)

GOOD = (
    ("listen  ", "# a\n// b\n/* c\n c */ listen  "),
    (TRUSTED, "{" + ", ".join(f'"10.0.{i}.0/24"' for i in range(200)) + "}"),
    ("listen  ", 'leg_defaults { heartbeat = "1s" late = "500ms" watchdog = "5s" reconnect_max = "5s" fresh = "10s" timeout = "3s" }\nlisten  '),
    (INNER, '{"wan2", "traefik", "dispatch"}'),  # a second way out is not a typo
    (ARGV, "{" + ", ".join(['"/bin/true"'] + ['"x"'] * 200) + "}"),
    ("listen          = \"127.0.0.1:3780\"", 'listen = {"127.0.0.1:3780", "127.0.0.2:3780", "[::1]:3780", "127.0.0.1:0", "0.0.0.0:0"}'),
    ("listen  ", 'status_hosts = {"t3ops", "a.b.example.com", "xn--4ca", "a_b", "192.0.2.1"}\nlisten  '),
    ("listen  ", 'path_timeouts = {"/a=1s", "/a/b=2s", "/=3s", "/A=1s"}\nlisten  '),
    ("listen  ", 'allowed_origins = {"https://a.example", "http://[::1]:3000", "https://10.0.0.1:65535", "HTTPS://xn--4ca.example", "https://a:80", "http://[::443]", "http://[::80]"}\nlisten  '),
    *([("listen          = \"127.0.0.1:3780\"", 'listen = {"unix:/run/t3ops-check.sock", "127.0.0.1:3780"}')] if account.ROOT else []),
    ("listen  ", 'recheck_tunnels = "0"\njournal_retain = "0s"\nidentity_header = "Remote-User"\nlisten  '),
)


class Checked(unittest.TestCase):
    def setUp(self):
        self.dir = process.folder()
        os.chmod(self.dir, 0o755)
        for name in ("state", "open"):
            os.mkdir(f"{self.dir}/{name}", 0o700)
        account.give(f"{self.dir}/state")
        os.chmod(f"{self.dir}/open", 0o777)
        os.symlink(".", f"{self.dir}/link")
        with open(f"{self.dir}/users", "w", encoding="utf-8") as f:
            f.write(f'{{"alice": {{"os_user": "{account.NAME}", "port": 3773}}}}')
        self.plugins = plugin_dir_with("sample_check")

    def check(self, old="", new=""):
        """(exit status, what it wrote to stdout, the lines of stderr without the file's name)"""
        self.assertIn(old, FILE.replace("{{", "{").replace("}}", "}"), "the case does not fit the file")
        text = FILE.replace("{{", "{").replace("}}", "}").replace(old, new, 1)
        for name, value in (("dir", self.dir), ("user", account.NAME), ("plugins", self.plugins)):
            text = text.replace(f"{{{name}}}", value)
        path = f"{self.dir}/t3ops.conf"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", path], capture_output=True, text=True,
                              timeout=60 * wait.SLOW, check=False)
        lines = done.stderr.splitlines()
        for line in lines:
            self.assertTrue(line.startswith(path + ":"), done.stderr)
        return done.returncode, done.stdout, [line[len(path) + 1:] for line in lines]

    def lines_match(self, lines, patterns):
        self.assertEqual(len(lines), len(patterns), "\n".join(lines))
        for line, pattern in zip(lines, patterns):
            self.assertRegex(line, f"^(?:{pattern})")


class LegsOnly(Checked):
    def test_user_path_is_nobody_s(self):
        """A prober to run elsewhere: no user drops there, and its legs cross what they cross."""
        legs = "".join(section("plugin", name, {"module": "probe_cloudflare", "url": "wss://t3.example.com/probe/ws", "segments": segments})
                       for name, segments in (("home", ["isp", "cloudflare", "tunnel"]), ("inner", ["switch"])))
        text = f'state_dir = "{self.dir}/state"\ncontrol = "{self.dir}/control.sock"\nplugin_dir = "{self.plugins}"\nuser = "{account.NAME}"\n'
        for path in ("", 'user_path = {"last_mile", "attic", "serve"}\n'):
            with self.subTest(path), open(f"{self.dir}/legs.conf", "w", encoding="utf-8") as f:
                f.write(text + path + legs)
                f.flush()
                done = subprocess.run([process.program("core/t3ops"), "-t", "-c", f.name], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                for word in ("last_mile", "attic", "serve", "apart", "user_path:"):
                    self.assertNotIn(word, done.stdout + done.stderr)


class Files(Checked):
    def test_good(self):
        for old, new in (("", ""), *GOOD):
            with self.subTest(new[:60]):
                status, out, lines = self.check(old, new)
                self.assertEqual((status, lines), (0, []))
                self.assertIn("t3ops.conf: configuration OK\n", out)

    def test_errors(self):
        for old, new, *patterns in ERRORS:
            with self.subTest(new):
                status, out, lines = self.check(old, new)
                self.lines_match([l for l in lines if ": warning: " not in l], patterns)
                self.assertEqual((status, out), (1, ""))

    def test_warnings(self):
        for old, new, *patterns in WARNINGS:
            with self.subTest(new):
                status, out, lines = self.check(old, new)
                self.lines_match(lines, [p for p in patterns if p])
                self.assertEqual(status, 0, lines)
                self.assertIn("configuration OK", out)

    def test_directory_of_the_service_may_be_missing(self):
        status, _, lines = self.check('control         = "{dir}/control.sock"\n', "")
        self.assertEqual(status, 0)
        for line in lines:
            self.assertRegex(line, r' warning: control = ".*/t3ops/control.sock": .*; expected that')

    def test_program_closed_to_the_users(self):
        closed = f"{self.dir}/closed"
        os.mkdir(closed, 0o700)
        with open(f"{closed}/t3", "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n")
        os.chmod(f"{closed}/t3", 0o755)
        status, _, lines = self.check('"/bin/true"', f'"{closed}/t3"')
        self.assertEqual(status, 0)
        if account.ROOT:
            self.lines_match(lines, [rf'10: warning: command mint: argv: "{closed}/t3" cannot be run by account nobody: {closed} is closed'])

    def table(self, text, mode=0o644):
        with open(f"{self.dir}/users", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(f"{self.dir}/users", mode)

    def test_user_table_names_every_row_at_fault(self):
        self.table(f'alice={account.NAME}@127.0.0.1:3773\nbob\ncarol=127.0.0.1:0\ndave=x@127.0.0.1\n')
        status, _, lines = self.check()
        self.assertEqual(status, 0)
        self.lines_match(lines, [rf'4: warning: users = ".*": line {n}: ' for n in (2, 3, 4)])
        self.table('bob\ncarol\n')
        status, _, lines = self.check()
        self.lines_match(lines, [r'4: warning: users = ".*": line 1: "bob" has no =.*; no row names a user, so this is not a user table',
                                 r'4: warning: users = ".*": line 1: "bob" has no =', r'4: warning: users = ".*": line 2: "carol" has no ='])
        self.assertEqual(status, 0)
        self.table("".join(f"u{n}\n" for n in range(150)) + f"alice={account.NAME}@127.0.0.1:3773\n")
        lines = self.check()[2]
        self.assertEqual(len(lines), 101)
        self.assertRegex("\n".join(lines), r'4: warning: users = ".*": 50 more rows are at fault')

    def test_sockets_whose_owner_nobody_can_tell(self):
        """Also before they are made: whoever made the directory would be taken for the owner."""
        self.table(f'alice=unix:/tmp/no-such-directory/t3.sock\nbob=unix:{self.dir}/t3.sock\ncarol={account.NAME}@unix:/tmp/t3.sock\n'
                   'dave=unix:/run/no-such-directory/t3.sock\nerin=unix:/no-such-directory/of/no-such-directory/t3.sock\n')
        status, _, lines = self.check()
        self.assertEqual(status, 0)
        self.lines_match(lines, [rf'4: warning: users = ".*": {who}: the row has no OS user, and others than its owner and root can write' for who in ("alice", "bob")])

    def test_t3_servers_that_nobody_can_recognise(self):
        self.table(f'alice=127.1.2.3:3773\nbob={account.NAME}@127.1.2.3:3774\ncarol={account.NAME}@192.0.2.1:3773\ndave=127.0.0.1:3773\n')
        status, _, lines = self.check()
        self.assertEqual(status, 0)
        given = TRUSTED + ' trusted_upstreams = '
        self.assertIn("carol", lines[1])
        status, _, lines = self.check(TRUSTED, given + '{"127.0.0.0/8"}')
        self.assertEqual(status, 0)
        self.lines_match(lines, [r'3: warning: trusted_upstreams: .*contains this machine',
                                 r'4: warning: users = ".*": carol: 192\.0\.2\.1 is not an address of this machine.*add it to trusted_upstreams'])
        status, _, lines = self.check(TRUSTED, given + '{"192.0.2.1"}')
        self.assertEqual(status, 0)
        self.lines_match(lines, [rf'4: warning: users = ".*": {who}: the row has no OS user.*write OS_USER@{where}:3773, or add the address to trusted_upstreams'
                                 for who, where in (("alice", r"127\.1\.2\.3"), ("dave", r"127\.0\.0\.1"))])

    def test_accounts_that_nothing_can_run_as(self):
        self.table('{"rita": {"os_user": "root", "port": 1}, "bob": {"os_user": "no-such-bobb", "port": 2},'
                   f' "alice": {{"os_user": "{account.NAME}", "port": 3}}}}')
        for old, new in (("", ""), ('command "mint" {\n    argv    = ' + ARGV + '\n    timeout = "10s"\n}\n' + ECHO + CHECK + PAIR, ECHO)):
            with self.subTest(new):
                status, _, lines = self.check(old, new)
                self.assertEqual(status, 0)
                self.lines_match([l for l in lines if "plugin" not in l],
                                 [r'4: warning: users = ".*": bob: os_user "no-such-bobb": no such account on this machine, so no command',
                                  r'4: warning: users = ".*": rita: os_user "root": t3ops runs nothing as root, so no command'] if not new else
                                 [rf'{4}: warning: users = ".*": {who}: os_user' for who in ("bob", "rita")])

    def test_user_table_is_read_as_the_proxy_reads_it(self):
        self.table('{"alice": {"port": 3773}}', 0)
        status, _, lines = self.check()
        self.assertEqual(status, 0)
        if account.ROOT:
            self.lines_match(lines, [r'4: warning: users = ".*": Permission denied'])
        os.remove(f"{self.dir}/users")
        status, _, lines = self.check('command "mint" {\n    argv    = ' + ARGV + '\n    timeout = "10s"\n}\n' + ECHO + CHECK + PAIR, ECHO)
        self.assertEqual(status, 0)
        self.lines_match([l for l in lines if "plugin" not in l], [r'4: warning: users = ".*": No such file or directory'])

    def test_legs_elsewhere_need_no_user_table(self):
        path = f"{self.dir}/t3ops.conf"
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'plugin "probe_internal" {{ url = "wss://t3.example.com/probe/ws" address = "10.0.20.203" }}\nuser = "{account.NAME}"\n'
                    f'plugin_dir = "{self.plugins}"\ncontrol = "{self.dir}/c"\nstate_dir = "{self.dir}/state"\nusers = "{self.dir}/no"\n')
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", path], capture_output=True, text=True, timeout=60 * wait.SLOW,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_files_of_certificates(self):
        trusted = CERTIFICATE.replace(" CERT", " TRUSTED CERT")
        for text, said in (
                (CERTIFICATE, None), ("a comment\n" + CERTIFICATE + "\n" + CERTIFICATE, None), (CERTIFICATE.replace("\n", "\r\n"), None),
                (trusted, None), (CERTIFICATE + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", None),
                ("", "certificates in PEM form"), ("MIIB", "certificates in PEM form"), (KEY, "a file of certificates only: this one holds a private key"),
                (CERTIFICATE + KEY, "a file of certificates only: this one holds a private key"),
                (CERTIFICATE.replace("MIIB", "MIIC"), "certificates in PEM form: one in that file is damaged"),
                (CERTIFICATE.replace("CCAR", "C*AR"), "certificates in PEM form: one in that file is damaged"),
                (CERTIFICATE + CERTIFICATE.replace("DDEKMAgG", ""), "certificates in PEM form: one in that file is damaged"),
                ("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", "certificates in PEM form: one in that file is damaged"),
                ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "certificates in PEM form in that file"),
                (CERTIFICATE[:-30], "certificates in PEM form: one in that file is damaged")):
            with self.subTest((said, text[-60:])):
                with open(f"{self.dir}/ca.pem", "w", encoding="ascii", newline="") as f:
                    f.write(text)
                status, _, lines = self.check('url = "wss', 'ca_file = "{dir}/ca.pem"\nurl = "wss')
                self.lines_match([l for l in lines if ": warning: " not in l],
                                 [rf'17: plugin probe_cloudflare: ca_file = ".*/ca.pem": expected {said}'] if said else [])
                self.assertEqual(status, 1 if said else 0)

    def state(self, name, content):
        path = account.give(f"{self.dir}/state") + f"/{name}"
        with open(path, "wb") as f:
            f.write(content)
        account.give(path)

    def test_files_of_the_state_directory(self):
        self.state("job_last_success.json", b'{"backup": ')
        self.state("journal.sqlite", b"this is no database, and never was one" * 50)
        status, _, lines = self.check()
        self.assertEqual(status, 0)
        self.lines_match(lines, [r'7: warning: state_dir = ".*/state": job_last_success.json: .*; it is not known when jobs last succeeded',
                                 r'7: warning: state_dir = ".*/state": journal.sqlite: file is not a database; events are not kept: move it away'])
        for rows in ("CREATE TABLE events(a)", "CREATE TABLE verdicts(serial)"):
            os.remove(f"{self.dir}/state/journal.sqlite")
            sqlite3.connect(f"{self.dir}/state/journal.sqlite").executescript(rows).connection.close()
            account.give(f"{self.dir}/state/journal.sqlite")
            self.state("job_last_success.json", b"[]" if "events" in rows else b"{}")
            status, _, lines = self.check()
            self.assertEqual(status, 0)
            self.assertRegex(lines[-1], r'7: warning: state_dir = .*: journal.sqlite: table \w+: no such column: .*: not a journal of t3ops')
            self.assertEqual(len(lines), 2 if "events" in rows else 1)

    def test_journal_that_cannot_be_one(self):
        os.mkdir(f"{self.dir}/state/journal.sqlite")
        self.lines_match(self.check()[2], [r'7: warning: state_dir = ".*/state": journal.sqlite: not a regular file; events are not kept'])
        os.rmdir(f"{self.dir}/state/journal.sqlite")
        with open(f"{self.dir}/state/journal.sqlite", "wb"):
            os.chmod(f"{self.dir}/state/journal.sqlite", 0o400)
        self.lines_match(self.check()[2], [r'7: warning: state_dir = ".*/state": journal.sqlite: Permission denied; events are not kept'])

    def test_state_files_that_nobody_writes_to(self):
        for name in ("journal.sqlite", "job_last_success.json"):
            os.mkfifo(f"{self.dir}/state/{name}")
            account.give(f"{self.dir}/state/{name}")
        self.lines_match(self.check()[2], [rf'7: warning: state_dir = ".*/state": {n}: not a regular file' for n in ("job_last_success.json", "journal.sqlite")])
        daemon = Daemon({"state_dir": f"{self.dir}/state", "plugin_dir": self.plugins},
                        'plugin "backup" { to = "' + self.dir + '/backups"\nevery = "1h" }\n', users={"alice": 3773})
        self.addCleanup(daemon.stop)
        daemon.wait_log(r"process=monitor event=journal_failed .*op=open error=\"not a regular file")
        daemon.wait_log(r"process=jobs event=last_success_failed .*error=\"not a regular file\"")

    def test_state_directory_of_a_daemon(self):
        daemon = Daemon({"plugin_dir": self.plugins, "trusted_upstreams": []}, 'plugin "probe_echo" {}\n', users={"alice": 3773})
        self.addCleanup(daemon.stop)
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", daemon.conf], capture_output=True, text=True, timeout=60 * wait.SLOW,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        daemon.stop()
        before = sorted(os.listdir(os.path.dirname(daemon.conf)))
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", daemon.conf], capture_output=True, text=True, timeout=60 * wait.SLOW,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(os.path.dirname(daemon.conf))), before)

    def test_user_table(self):
        with open(f"{self.dir}/users", "w", encoding="utf-8") as f:
            f.write(f'{{"alice": {{"os_user": "{account.NAME}", "port": 3773}}, "bob": {{"port": 99999}}}}')
        status, _, lines = self.check()
        self.assertEqual(status, 0)
        self.lines_match(lines, [r'4: warning: users = ".*": .*bob.*port'])

    def test_file_that_is_not_there(self):
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", "/no/such/t3ops.conf"], capture_output=True, text=True,
                              timeout=60 * wait.SLOW, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^/no/such/t3ops.conf: No such file or directory; the package's example is .*/t3ops.conf\n$")

    def test_bytes_that_are_no_text(self):
        path = f"{self.dir}/t3ops.conf"
        for data, lines in ((b'users = "/tmp/caf\xe9"\n# caf\xe9\n', (1, 2)), (b"\xff\0\n\xff\n\xff\n", (1,))):
            with open(path, "wb") as f:
                f.write(f'user = "{account.NAME}" '.encode() + data)
            done = subprocess.run([process.program("core/t3ops"), "-t", "-c", path], capture_output=True, text=True, timeout=60 * wait.SLOW,
                                  check=False)
            self.assertEqual([l for l in done.stderr.splitlines() if "warning" not in l], [f"{path}:{n}: expected UTF-8 text" for n in lines])
            self.assertEqual(done.returncode, 1)

    def test_utf16(self):
        path = f"{self.dir}/t3ops.conf"
        with open(path, "w", encoding="utf-16") as f:
            f.write('listen = "127.0.0.1:1"\n')
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", path], capture_output=True, text=True,
                              timeout=60 * wait.SLOW, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"{path}:1: UTF-16: save the file as UTF-8\n")


def plugin_dir_of_all_sorts():
    folder = plugin_dir_with("crash_on_load")
    shutil.copy(process.program("tests/plugins/sample_hang.so"), folder)
    return folder


class Apart(Checked):
    """Plugins that the file does not name, and that nobody may load beside others."""
    def setUp(self):
        super().setUp()
        self.plugins = plugin_dir_of_all_sorts()

    def test_hint_survives_every_plugin(self):
        status, _, lines = self.check(PAIR, "")
        self.assertEqual(status, 1)
        self.lines_match([l for l in lines if ": warning: " not in l],
                         [r'14: plugin session_check: needs a plugin that provides pairing, and none is configured; add plugin "auto_pair" \{\}'])

    def test_what_was_wrong_before_a_crash_is_said(self):
        status, _, lines = self.check(PAIR, 'plugin "auto_pair" { endpoints = {} }\nplugin "crash_on_load" {}\n')
        self.assertEqual(status, 1)
        self.lines_match(lines, [r"15: plugin auto_pair: endpoints: empty", r"16: plugin crash_on_load: loading .*/crash_on_load.so ended with signal 6"])


class Explain(unittest.TestCase):
    CASES = (
        ("lisen", 1, r't3ops: "lisen" is neither an option outside sections nor a plugin in /.*; did you mean "listen"\?'),
        ("auto_par", 1, r't3ops: "auto_par" is neither .*; did you mean "auto_pair"\?'),
        ("comand", 1, r't3ops: "comand" is neither .*; did you mean "command"\?'),
        ("nothing-like-it", 1, r't3ops: "nothing-like-it" is neither [^;]*'),
        ("heartbeat", 1, r't3ops: "heartbeat" is an option of sections: t3ops --explain leg\.heartbeat'),
        ("leg.heartbet", 1, r't3ops: leg has no option "heartbet"; did you mean "heartbeat"\?'),
        ("listen.port", 1, r"t3ops: listen is an option and has none itself"),
        ("backup.retian", 1, r't3ops: plugin backup has no option "retian"; did you mean "retain"\?'),
        ("crash_on_load", 1, r"t3ops: loading /.*/crash_on_load.so ended with signal 6 \(Aborted\)"),
        ("sample_hang", 1, r"t3ops: loading /.*/sample_hang.so took longer than 3 s"),
        ("backup.retain", 0, ""),
        ("leg.heartbeat", 0, ""),
    )

    def test_names(self):
        folder = plugin_dir_of_all_sorts()
        for given in (folder, os.path.relpath(folder, "/tmp")):
            for name, status, line in self.CASES:
                with self.subTest((given, name)):
                    done = subprocess.run([process.program("core/t3ops"), "--plugin-dir", given, "--explain", name], capture_output=True,
                                          text=True, cwd="/tmp", timeout=60 * wait.SLOW, check=False)
                    self.assertEqual(done.returncode, status)
                    self.assertRegex(done.stderr, rf"\A{line}\n\Z" if line else r"\A\Z")
                    self.assertEqual(done.stdout != "", status == 0)


class Steps(unittest.TestCase):
    """A plugin's init and check, dry."""
    CASES = (
        ("", 0, []),
        ("everything", 0, []),
        ("warning", 0, [r'2: warning: plugin sample_check: what = "warning": is odd']),
        ("error", 1, [r'2: plugin sample_check: what = "error": is refused, 1 times']),
        ("section", 1, [r"1: plugin sample_check: is refused as a whole"]),
        ("log", 1, [r"1: plugin sample_check: its init failed: Invalid argument: said in the log"]),
        ("silent", 1, [r"1: plugin sample_check: its init failed: Invalid argument$"]),
        ("crash", 1, [r"1: plugin sample_check: its init ended with signal 6"]),
        ("/no/such/file", 1, [r'2: plugin sample_check: what = "/no/such/file": no such file']),
        ("/dev/null", 0, []),
    )

    def text(self, what, folder, plugins):
        return (f'plugin "sample_check" {{\n what = "{what}"\n}}\ntrusted_proxies = {{"10.0.20.1"}}\nuser = "{account.NAME}"\n'
                f'plugin_dir = "{plugins}"\ncontrol = "{folder}/c"\nstate_dir = "{folder}/state"\nusers = "{folder}/users"\n')

    def test_steps(self):
        plugins, folder = plugin_dir_with("sample_check"), process.folder()
        os.mkdir(f"{folder}/state")
        account.give(f"{folder}/state")
        with open(f"{folder}/users", "w", encoding="utf-8") as f:
            f.write(f'{{"alice": {{"os_user": "{account.NAME}", "port": 3773}}}}')
        for what, expected, patterns in self.CASES:
            with self.subTest(what):
                path = f"{folder}/t3ops.conf"
                with open(path, "w", encoding="utf-8") as f:
                    f.write(self.text(what, folder, plugins))
                done = subprocess.run([process.program("core/t3ops"), "-t", "-c", path], capture_output=True, text=True,
                                      timeout=60 * wait.SLOW, check=False)
                self.assertEqual(done.returncode, expected, done.stderr)
                lines = [l[len(path) + 1:] for l in done.stderr.splitlines() if l.startswith(path)]
                self.assertEqual(len(lines), len(patterns), done.stderr)
                for line, pattern in zip(lines, patterns):
                    self.assertRegex(line, "^" + pattern)

    def test_start_and_reload_say_the_same(self):
        daemon = Daemon({"plugin_dir": plugin_dir_with("sample_check")}, 'plugin "sample_check" { what = "warning" }\n',
                        users={"alice": 3773})
        self.addCleanup(daemon.stop)
        self.assertRegex(daemon.log(), r'level=warning .*event=config_warning .*what = \\"warning\\": is odd')
        for what, said in (("error", r"what = \\\"error\\\": is refused, 1 times"), ("crash", "its init ended with signal 6")):
            daemon.sections = f'plugin "sample_check" {{ what = "{what}" }}\n'
            daemon.write_conf()
            log = daemon.reload()
            self.assertRegex(log, said)
            self.assertIn("event=reload_refused", log)
        daemon.sections = 'plugin "sample_check" { what = "" }\n'
        daemon.write_conf()
        self.assertIn("event=reloaded", daemon.reload())

    def test_control_socket_that_a_reload_keeps(self):
        folder = process.folder()
        daemon = Daemon({"control": f"{folder}/c"}, 'plugin "probe_echo" {}\n', users={"alice": 3773})
        self.addCleanup(daemon.stop)
        account.give(folder)  # the daemon that runs has no right to override modes
        os.chmod(folder, 0o555)
        daemon.options["drain_timeout"] = "1h"
        daemon.write_conf()
        self.assertIn("event=reloaded", daemon.reload())
        daemon.options["control"] = f"{folder}/another"
        daemon.write_conf()
        self.assertRegex(daemon.reload(), rf"event=config_error .*control = .*: {folder}: Permission denied: name a directory")
        os.chmod(folder, 0o755)

    def test_hang_is_a_refusal(self):
        daemon = Daemon({"plugin_dir": plugin_dir_with("sample_check")}, 'plugin "sample_check" {}\n', users={"alice": 3773})
        self.addCleanup(daemon.stop)
        daemon.sections = 'plugin "sample_check" { what = "hang" }\n'
        daemon.write_conf()
        log = daemon.reload(limit=60)
        self.assertRegex(log, r"its init took longer than 20 s and was killed")
        self.assertIn("event=reload_refused", log)


class Readers(unittest.TestCase):
    """core/tbl/core_option.h says which processes read an option: a reload replaces those."""
    WHOEVER_HAS_USERS = {"PROXY", "PROBER", "JOBS", "HELPER"}
    SHARED = {"process": {"PROXY"}, "plugin_host": {"PROXY", "PROBER", "JOBS", "MONITOR"}}
    OF_SOME = {"host_secrets.c": {"PROBER", "MONITOR"}}  # files of SHARED

    def rows(self):
        with open(f"{SOURCE}/core/tbl/core_option.h", encoding="utf-8") as f:
            text = f.read()
        everybody = {"SUPERVISOR", "PROXY", "PROBER", "JOBS", "MONITOR", "HELPER"}
        groups = {"READ_BY_ALL": everybody, "READ_BY_USERS": {"PROXY", "PROBER", "JOBS", "HELPER"}}
        for row in re.findall(r"^CORE_OPTION\(((?:[^()\"]|\([^()]*\)|\"(?:[^\"\\]|\\.)*\")*)\)", text, re.M):
            field = row.split(",")[2].strip()
            readers = set(re.findall(r"READ_BY\((\w+)\)", row))
            for group, members in groups.items():
                if re.search(rf"\b{group}\b", row):
                    readers |= members
            yield field, readers

    def uses(self, field):
        """The processes whose code reads the field."""
        found = set()
        for name in ("proxy", "prober", "jobs", "monitor", "helper", *self.SHARED):
            folder = f"{SOURCE}/core/{name}"
            for file in os.listdir(folder):
                if file.endswith(".c") and file not in ("config_checks.c",):
                    with open(f"{folder}/{file}", encoding="utf-8") as f:
                        if re.search(rf"\b(?:core|options|o)(?:->|\.){field}\b", f.read()):
                            found |= (self.WHOEVER_HAS_USERS if field in ("users", "upstream_env")
                                      else self.OF_SOME.get(file) or self.SHARED.get(name, {name.upper()}))
        return found

    def test_readers(self):
        rows = list(self.rows())
        self.assertGreater(len(rows), 40)
        for field, readers in rows:
            with self.subTest(field):
                used = self.uses(field)
                self.assertLessEqual(used, readers, "a process reads it that a reload would not replace")
                if field not in ("listen", "status_listen", "control", "user", "user_proxy", "user_prober", "user_monitor", "user_jobs", "sandbox", "log_level", "log_format"):  # of the process as a whole
                    self.assertEqual(readers - {"SUPERVISOR"}, used, "a reload replaces a process that does not read it")


if __name__ == "__main__":
    unittest.main()

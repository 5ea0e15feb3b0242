/* SPDX-License-Identifier: MIT */
/*
 * Every option of t3ops.conf that is not a plugin's, a row each.  A row makes the field of the C struct, the
 * parser into it, what `t3ops --explain` prints and what the manual page must say (options/core_options.h).
 *
 *   CORE_OPTION(name, TYPE, field, default, min, max, readers, sentence)   outside sections
 *   COMMAND_OPTION, SECTION_OPTION, LEG_OPTION, JOB_OPTION(name, TYPE, field, default, min, max, sentence)
 *                                          of a command, of every plugin section, of every leg, of every job
 *   NOTIFY_OPTION(name, TYPE, field, default, min, max, readers, sentence)   of a notify section
 *   LEG_DEFAULT_OPTION(name, TYPE, field, default, min, max, sentence)
 *                                          of leg_defaults alone, which has the numbers of LEG_OPTION, too
 *
 * TYPE: enum t3ops_option_type without its prefix.  min and max: both 0, no limits; max below min, no upper one.
 * readers: the processes that read it.  A reload that changes it replaces those and no others.
 */
#ifndef CORE_OPTION
#define CORE_OPTION(name, TYPE, field, fallback, min, max, readers, help)
#endif
#ifndef COMMAND_OPTION
#define COMMAND_OPTION(name, TYPE, field, fallback, min, max, help)
#endif
#ifndef NOTIFY_OPTION
#define NOTIFY_OPTION(name, TYPE, field, fallback, min, max, readers, help)
#endif
#ifndef SECTION_OPTION
#define SECTION_OPTION(name, TYPE, field, fallback, min, max, help)
#endif
#ifndef LEG_OPTION
#define LEG_OPTION(name, TYPE, field, fallback, min, max, help)
#endif
#ifndef LEG_DEFAULT_OPTION
#define LEG_DEFAULT_OPTION(name, TYPE, field, fallback, min, max, help)
#endif
#ifndef JOB_OPTION
#define JOB_OPTION(name, TYPE, field, fallback, min, max, help)
#endif

/* clang-format off */
CORE_OPTION("listen", LISTEN_LIST, listen, "127.0.0.1:3780", 0, 0, READ_BY(SUPERVISOR) | READ_BY(PROXY),
            "Addresses that the proxy listens on, as ADDRESS:PORT or unix:PATH; nobody but root should be able to make or replace the "
            "directory of that path.")
CORE_OPTION("proxy_protocol", LISTEN_LIST, proxy_protocol, "", 0, 0, READ_BY(PROXY),
            "Those of listen, written as there, where every connection begins with a PROXY header (version 1 or 2) of a trusted proxy; "
            "the address that it names is the client's address, and its own identity headers count only if that is a trusted proxy, too.")
CORE_OPTION("listen_mode", STRING, listen_mode, "0660", 0, 0, READ_BY(SUPERVISOR),
            "Mode of the Unix sockets of listen, which decides who can connect; whose identity headers count there, trusted_local_users decides.")
CORE_OPTION("listen_group", STRING, listen_group, "", 0, 0, READ_BY(SUPERVISOR),
            "Group of those sockets, such as the reverse proxy's; empty: that of the account that t3ops is started with.")
CORE_OPTION("workers", INT, workers, "1", 1, 16, READ_BY(SUPERVISOR) | READ_BY(PROXY),
            "Number of proxy processes; the kernel distributes connections among them, and each has its share of "
            "max_connections, max_connections_per_peer, max_requests_per_user and max_tunnels_per_user, and of limits of plugins, rounded up.")
CORE_OPTION("status_listen", LISTEN, status_listen, "127.0.0.1:9108", 0, 0, READ_BY(SUPERVISOR) | READ_BY(MONITOR),
            "Address of the operator's page (/) and, for programs, of /metrics, /status, /verdicts, /users and /healthz; page_token_file gives it a sign-in.")
CORE_OPTION("status_hosts", LIST, status_hosts, "", 0, 0, READ_BY(MONITOR),
            "Further names, without a port, by which browsers and scrapers reach those pages; numeric addresses, localhost and this "
            "machine's own name are known, every other one is answered 421, so no site can read the pages by DNS rebinding.")
CORE_OPTION("vantage", STRING, vantage, "", 0, 0, READ_BY(MONITOR),
            "Name of the place that this t3ops looks from, as \"vps\", if it is not the only one: a label of all its metrics, and in its verdicts and "
            "their events; empty: none.")
CORE_OPTION("page_token_file", KEY_FILE, page_token_file, "", 0, 0, READ_BY(SUPERVISOR),
            "File that others cannot read, whose first line (16 to 511 bytes) is the token that opens the pages of status_listen, /healthz aside: programs send "
            "it as Authorization: Bearer, people type it once into the page; empty: whoever reaches status_listen sees them.")
CORE_OPTION("vantage_key_file", KEY_FILE, vantage_key_file, "", 0, 0, READ_BY(SUPERVISOR),
            "File that others cannot read, whose first line (16 to 511 bytes) this t3ops and one elsewhere "
            "share: that one is told what legs of this one see, at /testimony of status_listen; empty: nobody is.")
CORE_OPTION("control", PATH, control, T3OPS_RUNSTATEDIR "/t3ops/control.sock", 0, 0, READ_BY(SUPERVISOR) | READ_BY(MONITOR),
            "Unix socket that t3opsctl talks to.")
CORE_OPTION("user", ACCOUNT, user, "t3ops", 0, 0, READ_BY_ALL,
            "Account of all processes but supervisor and helper, as far as they have none of their own, when t3ops is started as root.")
CORE_OPTION("user_proxy", ACCOUNT, user_proxy, "", 0, 0, READ_BY(SUPERVISOR) | READ_BY(PROXY) | READ_BY(MONITOR),
            "Account of the proxy, which users and networks talk to, when t3ops is started as root; it has the groups of `user`, but this "
            "account may not use the control socket; empty: the account named like `user` with -proxy appended if there is one, else `user`.")
CORE_OPTION("user_prober", ACCOUNT, user_prober, "", 0, 0, READ_BY(SUPERVISOR) | READ_BY(PROBER) | READ_BY(MONITOR),
            "The same of the prober, with -prober appended.")
CORE_OPTION("user_monitor", ACCOUNT, user_monitor, "", 0, 0, READ_BY(SUPERVISOR) | READ_BY(MONITOR),
            "The same of the monitor, with -monitor appended; the journal is its own.")
CORE_OPTION("user_jobs", ACCOUNT, user_jobs, "", 0, 0, READ_BY(SUPERVISOR) | READ_BY(JOBS) | READ_BY(MONITOR),
            "The same of the jobs process, with -jobs appended; a job itself runs as its user.")
CORE_OPTION("log_level", LOG_LEVEL, log_level, "info", 0, 0, READ_BY_ALL,
            "Minimum severity that is logged: error, warning, notice, info or debug.")
CORE_OPTION("log_format", LOG_FORMAT, log_format, "logfmt", 0, 0, READ_BY_ALL,
            "Form of the log's lines: logfmt or json; the systemd journal gets each pair as a field as well, T3OPS_USER of user.")
CORE_OPTION("access_log", ACCESS_LOG, access_log, "off", 0, 0, READ_BY(PROXY),
            "Form of a log line for each request (request_done), at whatever log_level: off, logfmt or json; it holds neither query "
            "strings nor secrets, and one that nobody takes is left out, never waited for.")
CORE_OPTION("browser_reports", BOOL, browser_reports, "false", 0, 0, READ_BY(PROXY),
            "Asks users' browsers to report requests that failed (headers NEL and Report-To on documents), and takes the reports at "
            "/probe/nel/: a line of evidence about the way before t3ops, which convicts nobody.")
CORE_OPTION("browser_reports_rate", INT, browser_reports_rate, "30", 1, 100000, READ_BY(PROXY),
            "How many requests with reports each user's browsers may send in a minute; more are answered 429.")
CORE_OPTION("sandbox", SANDBOX, sandbox, "auto", 0, 0, READ_BY_ALL,
            "Sandbox of proxy, prober, monitor and jobs, and of whoever reads the user table (seccomp and landlock): auto applies what kernel and build support, on requires "
            "both, off applies none.")
CORE_OPTION("state_dir", PATH, state_dir, T3OPS_LOCALSTATEDIR "/lib/t3ops", 0, 0,
            READ_BY(SUPERVISOR) | READ_BY(PROBER) | READ_BY(MONITOR) | READ_BY(JOBS),
            "Directory of the journal and of what legs store; belongs to `user`.")
CORE_OPTION("plugin_dir", PATH, plugin_dir, T3OPS_PLUGIN_DIR, 0, 0, READ_BY(SUPERVISOR),
            "Directory that plugins are loaded from.")
CORE_OPTION("process_watchdog", DURATION, process_watchdog_us, "10s", SECOND / 10, 600 * SECOND,
            READ_BY(SUPERVISOR) | READ_BY(MONITOR),
            "A process that does not answer for this long is killed and restarted; one that waits for something to "
            "happen, as the kernel says, too, is asked once in six times that time.")
CORE_OPTION("restart_pause_max", DURATION, restart_pause_max_us, "30s", SECOND / 10, 3600 * SECOND,
            READ_BY(SUPERVISOR),
            "Longest pause before a process that exited by itself is restarted; the first is 100 ms, and it "
            "doubles with each failure.")
CORE_OPTION("drain_timeout", DURATION, drain_timeout_us, "12h", 0, 0, READ_BY(SUPERVISOR),
            "A proxy that was replaced by a reload and still has connections after this time is stopped with "
            "them.")
CORE_OPTION("max_draining", INT, max_draining, "8", 1, 64, READ_BY(SUPERVISOR),
            "Most proxies that may drain at a time after reloads, for each of the workers: beyond that the oldest is stopped with the requests "
            "that it still has, drain_cut.")
CORE_OPTION("users", PATH, users, "/etc/ttyd-user-map", 0, 0, READ_BY_USERS,
            "The user table: lines NAME=OS_USER, or JSON.")
CORE_OPTION("upstream_env", STRING, upstream_env, T3OPS_SYSCONFDIR "/t3-serve/%u.env", 0, 0, READ_BY_USERS,
            "File with T3_PORT= of a user's t3 server; %u is the OS user.")
CORE_OPTION("trusted_upstreams", NETWORK_LIST, trusted_upstreams, "", 0, 0, READ_BY(PROXY) | READ_BY(PROBER) | READ_BY(HELPER),
            "Networks (CIDR) whose t3 servers are trusted as they are: those of other machines, and those whose process "
            "does not run as the OS user of their row; elsewhere nothing is sent to a t3 server unless a process of that account "
            "has accepted the connection.")
CORE_OPTION("trusted_proxies", NETWORK_LIST, trusted_proxies, "", 0, 0, READ_BY(PROXY),
            "Networks (CIDR) whose identity and forwarding headers are trusted.")
CORE_OPTION("trusted_local_users", LIST, trusted_local_users, "root", 0, 0, READ_BY(PROXY),
            "Accounts, by name or uid, whose processes may send those headers from an address of this machine; other "
            "local peers are not trusted.")
CORE_OPTION("client_address_headers", LIST, client_address_headers, "CF-Connecting-IP X-Forwarded-For Forwarded X-Real-IP", 0, 0,
            READ_BY(PROXY),
            "Headers of trusted proxies that carry the client's address; the first one that holds an address counts, and those of "
            "several addresses are read from the end, past the trusted proxies; leave out what yours pass on as clients send it.")
CORE_OPTION("identity_header", HEADER, identity_header, "X-authentik-username", 0, 0, READ_BY(PROXY),
            "Header that carries the authenticated user's name; not one that HTTP gives a meaning, such as Host.")
CORE_OPTION("proxy_secret_file", KEY_FILE, proxy_secret_file, "", 0, 0, READ_BY(SUPERVISOR),
            "File that others cannot read, whose first line (16 to 511 bytes) the trusted proxy sends with every identity; "
            "without it the identity does not count; empty: the proxy's address is enough.")
CORE_OPTION("proxy_secret_header", HEADER, proxy_secret_header, "X-T3ops-Proxy-Secret", 0, 0, READ_BY(PROXY),
            "Header that carries that secret; it is not passed on.")
CORE_OPTION("probe_key_file", KEY_FILE, probe_key_file, "", 0, 0, READ_BY(SUPERVISOR),
            "File that others cannot read, whose first line (16 to 511 bytes) probers elsewhere and this proxy share: their legs count as the installation's own "
            "at /probe/ws; empty: only those of this daemon do, by a key made at its start.")
CORE_OPTION("allowed_origins", ORIGIN_LIST, allowed_origins, "", 0, 0, READ_BY(PROXY),
            "Further sites, as https://HOST, whose pages may open WebSockets here; those of this host always may.")
CORE_OPTION("public_paths", URL_PATH_LIST, public_paths, "/probe", 0, 0, READ_BY(PROXY),
            "Prefixes of the paths that the proxy lets through without a sign-in, compared as sent, with percent "
            "signs decoded, and with dot segments resolved; no identity is trusted there, so they reach no t3 "
            "server.")
CORE_OPTION("shared_paths", URL_PATH_LIST, shared_paths, "", 0, 0, READ_BY(PROXY),
            "Prefixes of the paths whose responses are the same for all users, so that caches on the way may keep them as the t3 "
            "servers say; all other responses are marked private.")
CORE_OPTION("identity_strip_domain", BOOL, identity_strip_domain, "false", 0, 0, READ_BY(PROXY),
            "Whether @DOMAIN is removed from the identity.")
CORE_OPTION("identity_ignore_case", BOOL, identity_ignore_case, "false", 0, 0, READ_BY(PROXY),
            "Whether an identity names the user whose name differs from it by capital letters alone.")
CORE_OPTION("identity_percent_encoded", BOOL, identity_percent_encoded, "false", 0, 0, READ_BY(PROXY),
            "Whether the identity is sent percent-encoded, as Authentik's scope mappings can do for names that are not ASCII; "
            "otherwise a percent sign is a part of the name, and bytes that are not UTF-8 are Latin-1.")
CORE_OPTION("max_connections", INT, max_connections, "20000", 16, 1000000, READ_BY(PROXY),
            "Most client connections at a time; peers that are not trusted proxies have half of them at most.")
CORE_OPTION("max_connections_per_peer", INT, max_connections_per_peer, "256", 0, 1000000, READ_BY(PROXY),
            "Most connections from one address that is not a trusted proxy, tunnels not counted; all of 127.0.0.0/8 is one, and of IPv6 a "
            "/64; 0: no limit.")
CORE_OPTION("max_requests_per_user", INT, max_requests_per_user, "256", 0, 1000000, READ_BY(PROXY),
            "Most requests of one user in progress; further ones are answered 429; 0: no limit.")
CORE_OPTION("max_tunnels_per_user", INT, max_tunnels_per_user, "512", 0, 1000000, READ_BY(PROXY),
            "Most WebSockets of one user; further ones are answered 429; 0: no limit.")
CORE_OPTION("max_header_bytes", BYTES, max_header_bytes, "32K", 1024, 1 << 20, READ_BY(PROXY),
            "Request line and headers together; a larger head is answered 431.")
CORE_OPTION("max_headers", INT, max_headers, "128", 8, 256, READ_BY(PROXY),
            "Header fields in one request; more are answered 431.")
CORE_OPTION("header_timeout", DURATION, header_timeout_us, "15s", 1000, 0, READ_BY(PROXY),
            "From the first byte of a request to the end of its headers.")
CORE_OPTION("keepalive_timeout", DURATION, keepalive_timeout_us, "100s", 1000, 0, READ_BY(PROXY),
            "An idle client connection is closed after this time; longer than the 90 s for which Traefik and other clients in Go "
            "keep one.")
CORE_OPTION("body_timeout", DURATION, body_timeout_us, "60s", 1000, 0, READ_BY(PROXY),
            "Longest pause in a request or response body, in either direction; of a response without an announced length see "
            "stream_timeout.")
CORE_OPTION("stream_timeout", DURATION, stream_timeout_us, "0s", 0, 0, READ_BY(PROXY),
            "Longest silence of the t3 server in a response whose length it did not announce, such as text/event-stream; 0s: as "
            "long as both ends are there, which TCP keepalive watches.")
CORE_OPTION("path_timeouts", LIST, path_timeouts, "", 0, 0, READ_BY(PROXY),
            "Other values of first_byte_timeout and body_timeout for some paths and all below them, as PATH=DURATION; the longest path "
            "counts.")
CORE_OPTION("connect_timeout", DURATION, connect_timeout_us, "3s", 1000, 0, READ_BY(PROXY),
            "Time limit for connecting to a t3 server.")
CORE_OPTION("first_byte_timeout", DURATION, first_byte_timeout_us, "120s", 1000, 0, READ_BY(PROXY),
            "From the end of the request to the first byte of the t3 server's response; after it the request is answered 503 or 504, "
            "never sent again; a request that is held because the t3 server may be starting waits no longer either.")
CORE_OPTION("upstream_idle_timeout", DURATION, upstream_idle_timeout_us, "4s", 0, 0, READ_BY(PROXY),
            "A pooled connection to a t3 server is not used again after this time; t3 closes them after 5 s.")
CORE_OPTION("upstream_pool", INT, upstream_pool, "256", 0, 1024, READ_BY(PROXY),
            "Idle connections kept for each t3 server, for upstream_idle_timeout: as many as max_requests_per_user can use.")
CORE_OPTION("plugin_deadline", DURATION, plugin_deadline_us, "30s", 1000, 0, READ_BY(PROXY),
            "A request that waits longer for a plugin is answered 503.")
CORE_OPTION("tunnel_send_timeout", DURATION, tunnel_send_timeout_us, "60s", 1000, 0, READ_BY(PROXY),
            "A tunnel whose peer takes no data for this long is closed.")
CORE_OPTION("recheck_tunnels", DURATION, recheck_tunnels_us, "0s", 0, 0, READ_BY(PROXY),
            "How often the session behind an open WebSocket is checked; one whose session is dead is closed with "
            "1008 once a new session is ready for its page; at least 1s, or 0s: never.")
CORE_OPTION("plugin_budget", DURATION, plugin_budget_us, "50ms", 1000, 0,
            READ_BY(PROXY) | READ_BY(PROBER) | READ_BY(JOBS) | READ_BY(MONITOR),
            "A plugin callback that takes longer is logged and counted.")
CORE_OPTION("user_path", SEGMENT_LIST, user_path, "last_mile wan cloudflare tunnel traefik dispatch serve", 0, 0,
            READ_BY(MONITOR),
            "Segments that a user's connection crosses, in order; the last one is the t3 server.")
CORE_OPTION("per_user", SEGMENT_LIST, per_user, "last_mile serve", 0, 0, READ_BY(MONITOR),
            "Segments of which every user has their own.")
CORE_OPTION("ping_timeout", DURATION, ping_timeout_us, "2s", 100000, 60 * SECOND, READ_BY(MONITOR) | READ_BY(PROBER),
            "How long the legs have to answer the ping that follows a drop.")
CORE_OPTION("page_heartbeat", DURATION, page_heartbeat_us, "5s", SECOND / 20, 600 * SECOND,
            READ_BY(PROXY) | READ_BY(MONITOR),
            "How often t3's page sends its Ping; what counts as late or silent is measured by it.")
CORE_OPTION("metrics_per_user", LIMIT, metrics_per_user, "500", 0, 0, READ_BY(PROBER),
            "Of how many users each per-user leg has series of its own, about 80 lines of /metrics each: all, none or a number; those in "
            "trouble come first, and t3ops_legs counts all of them.")
CORE_OPTION("journal_retain", DURATION, journal_retain_us, "90d", 0, 0, READ_BY(MONITOR),
            "Age at which events are deleted from the journal; at least 1h, or 0s: never.")

COMMAND_OPTION("argv", LIST, argv, T3OPS_REQUIRED, 0, 0,
            "Program and arguments, no shell: %u OS user, %h home, %n table name, %p port, %% a percent sign.")
COMMAND_OPTION("timeout", DURATION, timeout_us, "10s", SECOND / 10, 3600 * SECOND,
            "The command's process group is killed after this time.")
COMMAND_OPTION("max_output", BYTES, max_output_bytes, "32K", 256, 48 << 10,
            "More output than this is an error.")

NOTIFY_OPTION("argv", LIST, argv, T3OPS_REQUIRED, 0, 0, READ_BY(HELPER),
              "Program and arguments, no shell, and nothing is filled in; the notification is its standard input, what it writes to "
              "standard output is dropped, and an exit code other than 0 means that it is tried again.")
NOTIFY_OPTION("user", ACCOUNT, user, "", 0, 0, READ_BY(HELPER),
              "Account that the program runs as when t3ops is started as root, never root itself; empty: that of the option user "
              "outside sections.")
NOTIFY_OPTION("timeout", DURATION, timeout_us, "10s", SECOND / 10, 600 * SECOND, READ_BY(HELPER) | READ_BY(MONITOR),
              "The program's process group is killed after this time, which counts as a failure.")
NOTIFY_OPTION("format", STRING, format, "json", 0, 0, READ_BY(MONITOR),
              "json: the verdict as /verdicts has it, in an object that says what is new about it; text: a few lines for people.")
NOTIFY_OPTION("segments", SEGMENT_LIST, segments, "", 0, 0, READ_BY(MONITOR),
              "Only verdicts that name one of these segments, serve for that of every user; empty: all.")
NOTIFY_OPTION("min_severity", STRING, min_severity, "info", 0, 0, READ_BY(MONITOR),
              "Only verdicts of this severity or above: critical is a fault in a segment that users share, warning one user's t3 "
              "server or this machine itself, info everything else.")
NOTIFY_OPTION("revised", BOOL, revised, "true", 0, 0, READ_BY(MONITOR),
              "Whether revisions of a verdict that was notified are notified, too.")
NOTIFY_OPTION("healed", BOOL, healed, "true", 0, 0, READ_BY(MONITOR),
              "Whether the end of a verdict that was notified is notified, too.")
NOTIFY_OPTION("retry_min", DURATION, retry_min_us, "2s", SECOND / 10, 3600 * SECOND, READ_BY(MONITOR),
              "Pause after the first failure; it doubles with each further one.")
NOTIFY_OPTION("retry_max", DURATION, retry_max_us, "5m", SECOND / 10, 24 * 3600 * SECOND, READ_BY(MONITOR),
              "Longest pause between attempts.")
NOTIFY_OPTION("retry_for", DURATION, retry_for_us, "6h", 0, 0, READ_BY(MONITOR),
              "A notification that cannot be delivered for this long is dropped, notification_dropped; 0s: it is tried once.")
NOTIFY_OPTION("queue", INT, queue, "64", 1, 1000, READ_BY(MONITOR),
              "Most notifications that wait, for one is delivered at a time; beyond that the oldest one that waits is dropped, notification_dropped.")

SECTION_OPTION("module", STRING, module, "", 0, 0,
            "Plugin to load if it is not named like the section.")

LEG_OPTION("segments", SEGMENT_LIST, segments, T3OPS_REQUIRED, 0, 0,
            "Segments that the leg crosses, in order.")
LEG_OPTION("edge", SEGMENT, edge, "", 0, 0,
            "The segment among them where the leg's TCP and TLS end; empty: the first.")
LEG_OPTION("resolver_segments", SEGMENT_LIST, resolver_segments, "", 0, 0,
            "Segments that a look-up of the name crosses; empty: the leg does not look up a name.")
LEG_OPTION("heartbeat", DURATION, heartbeat_us, "10s", SECOND / 10, 3600 * SECOND,
            "Pause between heartbeats.")
LEG_OPTION("watchdog", DURATION, watchdog_us, "20s", SECOND / 10, 3600 * SECOND,
            "A heartbeat unanswered for this long closes the leg.")
LEG_OPTION("late", DURATION, late_us, "2s", SECOND / 100, 3600 * SECOND,
            "A heartbeat unanswered for this long is reported as late.")
LEG_OPTION("reconnect_min", DURATION, reconnect_min_us, "1s", SECOND / 100, 3600 * SECOND,
            "First pause before the next attempt; it doubles with each failure.")
LEG_OPTION("reconnect_max", DURATION, reconnect_max_us, "30s", SECOND / 100, 3600 * SECOND,
            "Longest pause between attempts.")
LEG_OPTION("fresh", DURATION, fresh_us, "30s", 0, 24 * 3600 * SECOND,
            "How often a fresh connection is made beside the leg's own, and once more as soon as a heartbeat is late or a user "
            "drops, if the plugin can; at least 100ms, or 0s: never.")

LEG_OPTION("certificate_days", INT, certificate_days, "14", 0, 3650,
            "A certificate presented to the leg that has fewer days left than this is reported; 0: only one that has expired.")
LEG_DEFAULT_OPTION("timeout", DURATION, timeout_us, "10s", SECOND / 10, 600 * SECOND,
            "Time limit of one attempt or probe request, as described in the page of each leg.")

JOB_OPTION("at", TIME, at_minutes, "", 0, 0,
            "Time of day of the daily run, local, as \"03:30\".")
JOB_OPTION("every", DURATION, every_us, "0", 0, 0,
            "Pause between runs, instead of `at`; at least 1s.")
JOB_OPTION("jitter", DURATION, jitter_us, "0", 0, 24 * 3600 * SECOND,
            "Runs start later by a part of this time that differs from machine to machine.")
JOB_OPTION("deadline", DURATION, deadline_us, "10m", SECOND / 10, 24 * 3600 * SECOND,
            "A run for one user that takes longer is killed.")

/* clang-format on */

#undef CORE_OPTION
#undef COMMAND_OPTION
#undef NOTIFY_OPTION
#undef SECTION_OPTION
#undef LEG_OPTION
#undef LEG_DEFAULT_OPTION
#undef JOB_OPTION

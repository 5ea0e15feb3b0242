/* SPDX-License-Identifier: MIT */
#include "options/core_options.h"

#define IN(process) (1u << PROCESS_##process)
#define PROXY       IN(PROXY)
#define TABLE       (IN(PROXY) | IN(PROBER) | IN(JOBS) | IN(MONITOR) | IN(HELPER))
#define SECOND      INT64_C(1000000)

const struct core_option core_options[] = {
    {{"listen", T3OPS_OPT_LIST, "127.0.0.1:3780", 0, 0, "Addresses that the proxy listens on, as ADDRESS:PORT."},
     IN(SUPERVISOR)},
    {{"workers", T3OPS_OPT_INT, "1", 1, 16,
      "Processes that the proxy is made of; the kernel deals connections out among them, and each holds its share of "
      "max_connections."},
     IN(SUPERVISOR) | PROXY},
    {{"status_listen", T3OPS_OPT_ADDRESS, "127.0.0.1:9108", 0, 0, "Address of /metrics, /status and /verdicts."},
     IN(SUPERVISOR)},
    {{"control", T3OPS_OPT_PATH, "/run/t3ops/control.sock", 0, 0, "Unix socket that t3opsctl talks to."},
     IN(SUPERVISOR)},
    {{"user", T3OPS_OPT_STRING, "t3ops", 0, 0,
      "Account that everything but the helper drops to when started as root."},
     IN(SUPERVISOR)},
    {{"log_level", T3OPS_OPT_STRING, "info", 0, 0,
      "Least urgent level that is logged: error, warning, notice, info or debug."},
     IN(SUPERVISOR)},
    {{"sandbox", T3OPS_OPT_STRING, "auto", 0, 0,
      "Walls around the proxy (seccomp and landlock): auto takes what kernel and build have, on insists on both, off "
      "builds none."},
     IN(SUPERVISOR) | PROXY},
    {{"state_dir", T3OPS_OPT_PATH, "/var/lib/t3ops", 0, 0, "Directory of the journal; belongs to `user`."},
     IN(SUPERVISOR) | IN(MONITOR)},
    {{"plugin_dir", T3OPS_OPT_PATH, T3OPS_PLUGIN_DIR, 0, 0, "Directory that plugins are loaded from."},
     IN(SUPERVISOR)},
    {{"process_watchdog", T3OPS_OPT_DURATION, "10s", SECOND / 10, 600 * SECOND,
      "A process that does not answer for this long is ended and started again."},
     IN(SUPERVISOR)},
    {{"restart_pause_max", T3OPS_OPT_DURATION, "30s", SECOND / 10, 3600 * SECOND,
      "Longest pause before a process that ended by itself is started again; the first is 100 ms, and it doubles "
      "with each failure."},
     IN(SUPERVISOR)},
    {{"drain_timeout", T3OPS_OPT_DURATION, "12h", 0, 0,
      "An old proxy that is not done this long after a reload is ended, with the connections it still has."},
     IN(SUPERVISOR)},

    {{"users", T3OPS_OPT_PATH, "/etc/ttyd-user-map", 0, 0, "The user table: lines NAME=OS_USER, or JSON."}, TABLE},
    {{"instance_env", T3OPS_OPT_STRING, "/etc/t3-serve/%u.env", 0, 0,
      "File with T3_PORT= of an instance; %u is the OS user."},
     TABLE},

    {{"trusted_proxies", T3OPS_OPT_LIST, "", 0, 0,
      "Networks (CIDR) whose identity and forwarding headers are believed."},
     PROXY},
    {{"identity_header", T3OPS_OPT_STRING, "X-authentik-username", 0, 0,
      "Header that carries the authenticated user's name."},
     PROXY},
    {{"proxy_secret_file", T3OPS_OPT_PATH, "", 0, 0,
      "File whose first line the trusted proxy shows with every identity; without it the identity does not count; "
      "empty: the proxy's address is enough."},
     IN(SUPERVISOR)},
    {{"proxy_secret_header", T3OPS_OPT_STRING, "X-T3ops-Proxy-Secret", 0, 0,
      "Header in which it does; it is not passed on."},
     PROXY},
    {{"allowed_origins", T3OPS_OPT_LIST, "", 0, 0,
      "Further sites, as https://HOST, whose pages may open WebSockets here; those of this host always may."},
     PROXY},
    {{"public_paths", T3OPS_OPT_LIST, "/probe", 0, 0,
      "Beginnings of the paths that the proxy lets through without a sign-in; no identity is believed there, so that "
      "they reach no instance."},
     PROXY},
    {{"identity_strip_domain", T3OPS_OPT_BOOL, "false", 0, 0, "Whether @DOMAIN is cut off the identity."}, PROXY},
    {{"max_connections", T3OPS_OPT_INT, "20000", 16, 1000000, "Client connections that the proxy holds at most."},
     PROXY},
    {{"max_connections_per_peer", T3OPS_OPT_INT, "256", 0, 1000000,
      "Connections of one address that is no trusted proxy, tunnels aside; 0: no limit."},
     PROXY},
    {{"max_requests_per_user", T3OPS_OPT_INT, "256", 0, 1000000,
      "Requests of one user under way; further ones are answered 429; 0: no limit."},
     PROXY},
    {{"max_tunnels_per_user", T3OPS_OPT_INT, "512", 0, 1000000,
      "WebSockets of one user; further ones are answered 429; 0: no limit."},
     PROXY},
    {{"max_header_bytes", T3OPS_OPT_BYTES, "32K", 1024, 1 << 20,
      "Request line and headers together; a larger head is answered 431."},
     PROXY},
    {{"max_headers", T3OPS_OPT_INT, "128", 8, 256, "Header fields in one request; more are answered 431."}, PROXY},
    {{"header_timeout", T3OPS_OPT_DURATION, "15s", 0, 0,
      "From the first byte of a request to the end of its headers."},
     PROXY},
    {{"keepalive_timeout", T3OPS_OPT_DURATION, "75s", 0, 0, "An idle client connection is closed after this time."},
     PROXY},
    {{"body_timeout", T3OPS_OPT_DURATION, "60s", 0, 0,
      "Longest pause in a request or response body, in either direction."},
     PROXY},
    {{"connect_timeout", T3OPS_OPT_DURATION, "3s", 0, 0, "Connecting to an instance."}, PROXY},
    {{"first_byte_timeout", T3OPS_OPT_DURATION, "20s", 0, 0,
      "From the whole request to the first byte of the instance's answer; safe requests are then tried once more on "
      "a fresh connection, after 2 s already if the instance could not be reached before."},
     PROXY},
    {{"upstream_idle", T3OPS_OPT_DURATION, "4s", 0, 0,
      "A pooled connection to an instance is not used again after this time; t3 closes them after 5 s."},
     PROXY},
    {{"upstream_pool", T3OPS_OPT_INT, "32", 0, 1024, "Idle connections kept for each instance."}, PROXY},
    {{"plugin_deadline", T3OPS_OPT_DURATION, "30s", 0, 0,
      "A request that waits for a plugin longer is answered 503."},
     PROXY},
    {{"tunnel_send_timeout", T3OPS_OPT_DURATION, "60s", 0, 0,
      "A tunnel whose peer takes no data for this long is ended."},
     PROXY},
    {{"recheck_tunnels", T3OPS_OPT_DURATION, "0s", 0, 0,
      "Open WebSockets are asked about this often, and closed with 1008 when their session has died; 0s: never."},
     PROXY},
    {{"plugin_budget", T3OPS_OPT_DURATION, "50ms", 1000, 0,
      "A plugin callback that takes longer is logged and counted."},
     IN(PROXY) | IN(PROBER) | IN(JOBS) | IN(MONITOR)},

    {{"user_path", T3OPS_OPT_LIST, "last_mile wan cloudflare tunnel traefik dispatch serve", 0, 0,
      "Segments that a user's connection crosses, in order; the last one is the instance."},
     IN(MONITOR)},
    {{"per_user", T3OPS_OPT_LIST, "last_mile serve", 0, 0, "Segments that every user has of their own."},
     IN(MONITOR)},
    {{"ping_timeout", T3OPS_OPT_DURATION, "2s", 100000, 60 * SECOND,
      "How long the legs have to answer the ping that a drop asks for."},
     IN(MONITOR) | IN(PROBER)},
    {{"gave_up_after", T3OPS_OPT_DURATION, "4s", 0, 0,
      "A page that closes after the instance left it unanswered for this long gave up."},
     PROXY},
    {{"journal_retain", T3OPS_OPT_DURATION, "90d", 0, 0, "Age at which events leave the journal."}, IN(MONITOR)},
};
const size_t n_core_options = sizeof core_options / sizeof core_options[0];

const struct t3ops_option command_options[] = {
    {"argv", T3OPS_OPT_LIST, T3OPS_REQUIRED, 0, 0,
     "Program and arguments, no shell: %u OS user, %h home, %n table name, %p port, %% a percent sign."},
    {"timeout", T3OPS_OPT_DURATION, "10s", SECOND / 10, 3600 * SECOND,
     "The command's process group is killed after this time."},
    {"max_output", T3OPS_OPT_BYTES, "32K", 256, 48 << 10, "More output than this is an error."},
};
const size_t n_command_options = sizeof command_options / sizeof command_options[0];

const struct t3ops_option section_options[] = {
    {"module", T3OPS_OPT_STRING, "", 0, 0, "Plugin to load if it is not named like the section."},
};
const size_t n_section_options = sizeof section_options / sizeof section_options[0];

const struct t3ops_option leg_options[] = {
    {"segments", T3OPS_OPT_LIST, T3OPS_REQUIRED, 0, 0, "Segments that the leg crosses, in order."},
    {"edge", T3OPS_OPT_STRING, "", 0, 0, "The segment among them that ends the leg's TCP and TLS; empty: the first."},
    {"resolver_segments", T3OPS_OPT_LIST, "", 0, 0,
     "Segments that looking the name up crosses; empty: the leg does not look up."},
    {"heartbeat", T3OPS_OPT_DURATION, "10s", SECOND / 10, 3600 * SECOND, "Pause between heartbeats."},
    {"watchdog", T3OPS_OPT_DURATION, "20s", SECOND / 10, 3600 * SECOND,
     "A heartbeat unanswered for this long ends the leg."},
    {"late", T3OPS_OPT_DURATION, "2s", SECOND / 100, 3600 * SECOND,
     "A heartbeat unanswered for this long is reported as late."},
    {"reconnect_min", T3OPS_OPT_DURATION, "1s", SECOND / 100, 3600 * SECOND,
     "First pause before the next attempt; it doubles with each failure."},
    {"reconnect_max", T3OPS_OPT_DURATION, "30s", SECOND / 100, 3600 * SECOND, "Longest pause between attempts."},
};
const size_t n_leg_options = sizeof leg_options / sizeof leg_options[0];

const struct t3ops_option job_options[] = {
    {"at", T3OPS_OPT_STRING, "", 0, 0, "Time of day of the daily run, local, as \"03:30\"."},
    {"every", T3OPS_OPT_DURATION, "0", 0, 0, "Pause between runs, instead of `at`."},
    {"jitter", T3OPS_OPT_DURATION, "0", 0, 24 * 3600 * SECOND,
     "Runs begin later by a part of this that differs from machine to machine."},
    {"deadline", T3OPS_OPT_DURATION, "10m", SECOND / 10, 24 * 3600 * SECOND,
     "A run for one user that takes longer is killed."},
};
const size_t n_job_options = sizeof job_options / sizeof job_options[0];

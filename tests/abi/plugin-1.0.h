/* SPDX-License-Identifier: MIT */
/*
 * <t3ops/plugin.h>: the whole contract between the t3ops daemon and a plugin.
 *
 * A plugin is one shared object that exports one constant, `t3ops_plugin_NAME`, and nothing else.  The daemon
 * checks the numbers in its head before any code of the plugin runs.
 *
 *   loaded -> init -> start -> (callbacks)* -> stop -> the process exits
 *
 * Each section `plugin "TITLE" { ... }` of t3ops.conf is one instance of a plugin: with its own options, its own
 * state and its title as its name in logs, metrics and verdicts.  All callbacks of a process run on one thread.
 * None may block, except `run` of a job, which has a process of its own.  A running process never reloads: a new
 * configuration starts a new process.
 *
 * Ownership, unless a comment says otherwise:
 *   - A pointer passed to a callback is borrowed until the callback returns.
 *   - A pointer passed to the host is copied before the call returns.
 *   - What an option reader returns stays valid until stop.
 *   - Neither side frees what the other one allocated.
 *
 * A struct with a member struct_size is filled in by the side that owns its memory, which sets struct_size to the
 * size it was compiled with.  The other side never touches members beyond it: they do not exist.
 *
 * Times are microseconds (`_us`).  A function that can fail returns 0 or a negative errno.  A "t3 server" is the
 * `t3 serve` process of one user.
 */
#ifndef T3OPS_PLUGIN_H
#define T3OPS_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Major: something was removed, reordered or redefined; both sides must have the same.  Minor: something was
 * appended; they may differ. */
#define T3OPS_ABI_MAJOR 1
#define T3OPS_ABI_MINOR 0
#define T3OPS_MAGIC     UINT32_C(0x54334f50)

#if defined(__GNUC__)
#define T3OPS_EXPORT       __attribute__((visibility("default")))
#define T3OPS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define T3OPS_EXPORT
#define T3OPS_PRINTF(f, a)
#endif

/* ---- what a plugin declares -------------------------------------------------------------------------- */

/* What a plugin does, a set of bits.  Each role belongs to one process, which loads every plugin that has it and
 * calls the callbacks named here. */
enum t3ops_role {
	T3OPS_ROLE_PROXY = 1, /* request plugin, in the proxy: on_identity, on_request */
	T3OPS_ROLE_LEG = 2,   /* leg, in the prober: leg_open, leg_ping, leg_close, leg_fresh */
	T3OPS_ROLE_JOB = 4,   /* job, in a process of its own for each run: run */
	T3OPS_ROLE_WATCH = 8, /* watcher, in the monitor: on_event */
};

/* What an option holds.  A value that is not of its type is refused when the file is checked, so a plugin never
 * sees one. */
enum t3ops_option_type {
	T3OPS_OPT_STRING = 1,
	T3OPS_OPT_INT, /* min and max apply */
	T3OPS_OPT_BOOL,
	T3OPS_OPT_DURATION,    /* text with a unit: "10s" "500ms" "5m" "2h" "1d"; min, max in us */
	T3OPS_OPT_BYTES,       /* text with a unit: "512" "64K" "8M" "1G"; min, max in bytes */
	T3OPS_OPT_TIME,        /* of day, local: "03:30"; with the default "": -1 if none is given */
	T3OPS_OPT_ADDRESS,     /* numeric IPv4 or IPv6, with optional :port */
	T3OPS_OPT_LISTEN,      /* the same with its :port */
	T3OPS_OPT_NETWORK,     /* "10.0.20.0/24", "::1" */
	T3OPS_OPT_INTERFACE,   /* a network device, or the address of one */
	T3OPS_OPT_PATH,        /* absolute path */
	T3OPS_OPT_CA_FILE,     /* absolute path of a file of certificates in PEM form */
	T3OPS_OPT_SECRET_FILE, /* absolute path of a file that only its owner and its group may read */
	T3OPS_OPT_USER_DIR,    /* absolute path; each user gets a private directory below it,
	                          made before a job runs as that user */
	T3OPS_OPT_URL,         /* http or https, with a host */
	T3OPS_OPT_WS_URL,      /* ws or wss, with a host */
	T3OPS_OPT_URL_PATH,    /* "/probe": without query, percent signs, dot segments, slash at its end */
	T3OPS_OPT_ORIGIN,      /* "https://t3.example.com" */
	T3OPS_OPT_HEADER,      /* name of an HTTP header */
	T3OPS_OPT_SEGMENT,     /* name of a segment of the path */
	T3OPS_OPT_ACCOUNT,     /* Unix account that is not root */
	T3OPS_OPT_COMMAND,     /* the name of a command section */
	T3OPS_OPT_JOB,         /* the name of a section of a job plugin */
	/* {"a", "b"}; the default is written "a b".  Alone a list of strings; with another textual type
	 * (T3OPS_OPT_LIST | T3OPS_OPT_NETWORK) each item is of that type. */
	T3OPS_OPT_LIST = 0x100,
};

#define T3OPS_REQUIRED NULL /* as a default: the operator must give a value */

/* One option.  This row makes the check of the file, `t3ops --explain` and the plugin's manual page. */
struct t3ops_option {
	const char *name;     /* a-z, 0-9 and _ */
	uint32_t type;        /* enum t3ops_option_type */
	const char *fallback; /* the default, as an operator would write it; or T3OPS_REQUIRED */
	int64_t min, max;     /* both 0: no limits; max below min: no upper limit */
	const char *help;     /* one sentence */
};

enum t3ops_metric_type { T3OPS_COUNTER = 1, T3OPS_GAUGE, T3OPS_HISTOGRAM };

/* One metric family.  Each of its series has the label plugin="TITLE" first, then the labels named here, in this
 * order.  Labels called "job" and "instance" belong to Prometheus: do not use them. */
struct t3ops_metric {
	const char *name; /* complete, as Prometheus sees it: t3ops_pair_total */
	uint32_t type;    /* enum t3ops_metric_type */
	const char *labels[4];
	const double *buckets; /* of a histogram: n_buckets upper bounds, ascending, without +Inf */
	uint32_t n_buckets;
	const char *help; /* one sentence */
};

/* Something that a person can ask of a job beside a run:  t3opsctl PLUGIN ACTION [USER] [--ARGUMENT[=VALUE]]... */
struct t3ops_action {
	const char *name;      /* a-z and - */
	const char *arguments; /* names of what it takes, a-z and -, separated by single spaces; "": nothing */
	const char *help;      /* one sentence */
	bool one_user;         /* refused unless it names a user: too much happens for all of them at once */
};

/* ---- what a plugin sees of the daemon ---------------------------------------------------------------- */

struct t3ops_host; /* the table of services, below */
struct t3ops_instance;
struct t3ops_timer;
struct t3ops_fd_watch;
struct t3ops_leg;
struct t3ops_ws;

/* The instance that a callback is for; valid until stop. */
struct t3ops_ctx {
	const struct t3ops_host *host;
	struct t3ops_instance *instance; /* the host's own */
	const char *name;                /* title of the section */
	void *state;                     /* the plugin's own, for init to set */
};

/* A row of the user table. */
struct t3ops_user {
	uint32_t struct_size;
	const char *name;    /* as in the identity header */
	const char *os_user; /* Unix account; "" if the user has none on this machine */
	const char *home;    /* its home directory; "" if unknown */
	const char *host;    /* numeric address of the user's t3 server */
	uint16_t port;       /* its port; 0: it has a Unix socket only (see t3ops_fetch.user) */
	bool absent; /* of a job: the user never ran t3, as far as t3ops can see; what is not there is no failure then
	              */
};

/* What a descriptor is watched for, a set of bits. */
enum t3ops_fd_events {
	T3OPS_FD_READABLE = 1, /* or it has an error, or was closed by the other side */
	T3OPS_FD_WRITABLE = 2,
};

enum t3ops_level { T3OPS_DEBUG = 7, T3OPS_INFO = 6, T3OPS_NOTICE = 5, T3OPS_WARNING = 4, T3OPS_ERROR = 3 };

/* ---- request plugins --------------------------------------------------------------------------------- */

/* A request that the proxy handles.  0 is never one.  An id goes stale when its exchange ends; using a stale one is
 * harmless: readers return NULL or false, other calls -ESTALE or nothing. */
typedef uint64_t t3ops_request_id;

/* What on_request, or on_unauthorized, decided.  Plugins are asked in the order of their sections. */
enum t3ops_next {
	T3OPS_NEXT = 0, /* ask the next plugin; after the last one the request goes to the user's t3 server */
	T3OPS_DONE = 1, /* responded to, or taken over as a WebSocket */
	T3OPS_WAIT = 2, /* request_resume, request_respond, request_explain or request_accept_ws follows; after the
	                   option plugin_deadline t3ops itself responds with 503 */
};

/* Whose page caused a request: Sec-Fetch-Site, else Origin compared with the host that the browser asked for. */
enum t3ops_site {
	T3OPS_SITE_UNKNOWN = 0, /* neither was sent: no browser, or an old one */
	T3OPS_SITE_OURS = 1,    /* a page of this very site, or the person at the browser */
	T3OPS_SITE_OTHER = 2,
};

/* A page for a person, or JSON for a program that asked for that. */
struct t3ops_page {
	uint32_t struct_size;
	int status;              /* HTTP status */
	const char *title;       /* one line, the same for every page of a kind */
	const char *text;        /* plain text; never a credential */
	uint32_t retry_s;        /* > 0: the page reloads by itself after so many seconds, and Retry-After says so */
	const char *link_target; /* a path on this site to go on at, or NULL */
	const char *link_text;   /* what it is called */
};

/* ---- legs -------------------------------------------------------------------------------------------- */

/* How far a connection attempt got.  Everything before the step worked. */
enum t3ops_step {
	T3OPS_STEP_DNS = 1,     /* looking up the name */
	T3OPS_STEP_CONNECT = 2, /* TCP, up to the leg's edge segment */
	T3OPS_STEP_TLS = 3,     /* TLS with the leg's edge segment */
	T3OPS_STEP_HTTP = 4,    /* request or upgrade, through the edge to the far end */
	T3OPS_STEP_OPEN = 5,    /* established: heartbeats go through */
};

/* What became of a large message. */
enum t3ops_large {
	T3OPS_LARGE_ANSWERED = 1,  /* it went there and came back */
	T3OPS_LARGE_LOST_OUT = 2,  /* it did not arrive at the far end */
	T3OPS_LARGE_LOST_BACK = 3, /* it arrived, and its answer did not come back */
};

/* What the far end says, over another connection, of a heartbeat that was not answered. */
enum t3ops_beat {
	T3OPS_BEAT_NOT_ARRIVED = 1, /* it never got there */
	T3OPS_BEAT_ANSWERED = 2,    /* it did, and was answered: the answer did not come back */
};

enum t3ops_leg_flags {
	T3OPS_LEG_PER_USER = 1, /* one leg for each user of the table; leg_user tells whose it is */
	/* What it reports was seen elsewhere: that nothing is heard says nothing of its path.  It is never late, and
	 * has no watchdog; while nothing is known it reports nothing, and what ends the hearing is T3OPS_R_LOCAL. */
	T3OPS_LEG_ELSEWHERE = 2,
};

/* ---- fetch: one HTTP transfer ------------------------------------------------------------------------ */

/* Redirects are never followed, proxies of the environment never used. */
struct t3ops_fetch {
	uint32_t struct_size;
	const char *method;         /* NULL: GET */
	const char *url;            /* http or https */
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const void *body;
	size_t body_len;
	uint64_t timeout_us;         /* of the whole transfer; 0: 10 s */
	uint64_t connect_timeout_us; /* 0: the same */
	size_t max_body;             /* a larger response fails with -EFBIG; 0: 256 KiB */
	const char *connect_to;      /* "ADDRESS" or "ADDRESS:PORT": connect there, with Host, SNI and the
	                                certificate check unchanged; NULL or "": as the URL says */
	const char *interface;       /* network device or source address; NULL or "": any */
	const char *ca_file;         /* NULL or "": the system's */
	bool fresh;                  /* never on a reused connection */
	/* Comes for each step (enum t3ops_step) that is reached, in ascending order, before the callback of fetch and
	 * with its arg: everything before the step worked.  Of steps reached together only the last one is reported.
	 * A URL with a numeric host, and connect_to, begin at T3OPS_STEP_CONNECT.  May be NULL. */
	void (*on_step)(struct t3ops_ctx *ctx, uint32_t step, void *arg);
	/* Name of a user of the table, whose t3 server it is for: the connection goes there, in the proxy perhaps one
	 * that it has kept, elsewhere a new one, and nothing is sent before it is known that a process of the user's
	 * account has accepted it (t3ops(8), "Who is a t3 server").  The URL, which is http, gives Host and path.  To
	 * be set for everything secret that goes to a t3 server. NULL: no user. */
	const char *user;
};

struct t3ops_fetched {
	uint32_t struct_size;
	/* 0 after a response, whatever its status; else why there is none:
	 *   -EINVAL        the URL or a header cannot be sent      -ENOENT        the name does not resolve
	 *   -ECONNREFUSED  -EHOSTUNREACH  -ENETUNREACH             as connect(2)
	 *   -ETIMEDOUT     a limit passed, at whichever step       -ECONNRESET    the connection was reset
	 *   -ENODATA       closed before the response was whole    -EKEYREJECTED  the certificate is not trusted
	 *   -EPROTO        neither TLS nor HTTP as it must be      -EFBIG         larger than max_body
	 *   -EADDRNOTAVAIL no such interface here
	 *   -EKEYEXPIRED   the certificate is not valid by this machine's clock, but by the server's, or that is not
	 * told and with t3ops_fetch.user, at T3OPS_STEP_CONNECT: -EKEYREJECTED  a process of another account answers
	 * there -ENOKEY        no such user, or nobody can tell whose process should answer there */
	int error;
	uint32_t step;    /* enum t3ops_step at which it failed; T3OPS_STEP_OPEN after a response */
	int status;       /* HTTP status; 0 without a response */
	const char *body; /* followed by a NUL that body_len does not count */
	size_t body_len;
	const char *error_text; /* one line for the log; "" without an error */
	uint64_t total_us;      /* from the start to the end */
	/* The value of the nth (from 0) header of that name; NULL if there is none. */
	const char *(*header)(const struct t3ops_fetched *f, const char *name, size_t nth);
	const void *priv; /* the host's own */
	/* When the first of the certificates that were shown expires, since 1970; 0 if none was, if it was refused
	 * for something else than its dates, or on a reused connection.  For leg_certificate. */
	uint64_t certificate_until_us;
};
typedef void (*t3ops_fetch_cb)(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg);

/* ---- commands: configured programs, run by the helper -------------------------------------- */

struct t3ops_ran {
	uint32_t struct_size;
	/* 0 if the program ran to its end; else
	 *   -ENOENT     no such command, or no such user         -EPERM   this process may not have it run
	 *   -ETIMEDOUT  killed at the command's timeout          -E2BIG   killed: it wrote too much
	 *   -EHOSTDOWN  the helper cannot be reached             -EAGAIN  too many programs are running
	 *   -EBUSY      not now: a job holds the user's commands (commands_hold) */
	int error;
	int exit_code;   /* 0 to 255; 128 + N if signal N ended it */
	const char *out; /* its stdout, followed by a NUL that out_len does not count.  It may hold a credential:
	                    never log it. */
	size_t out_len;
	uint64_t took_us;
};
typedef void (*t3ops_ran_cb)(struct t3ops_ctx *ctx, const struct t3ops_ran *ran, void *arg);

/* ---- actions, as the monitor asks for them --------------------------------------------------------- */

struct t3ops_acted {
	uint32_t struct_size;
	int error;        /* 0: it was done for all of them; -EHOSTDOWN: the jobs process ended meanwhile */
	const char *text; /* how many were done, or why the first one of them failed */
	const char *rows; /* what it answered, one JSON object of texts a line, each with the key "user" */
};
typedef void (*t3ops_acted_cb)(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg);

/* ---- rehearsals: a job tries something where nothing is at stake ------------------------------------- */

struct t3ops_rehearsal {
	uint32_t struct_size;
	const char *name; /* which one: for the plugin's callback `rehearse` */
	/* FROM, AT, ..., NULL: what is at FROM is seen at AT, and may be written to; both exist. */
	const char *const *binds;
	/* Directories and files that are seen empty, NULL-terminated; one that does not exist is skipped. */
	const char *const *hidden;
	uint64_t timeout_us;
};

/* ---- WebSockets, both sides -------------------------------------------------------------------------- */

enum t3ops_ws_op { T3OPS_WS_TEXT = 1, T3OPS_WS_BINARY = 2, T3OPS_WS_PING = 9, T3OPS_WS_PONG = 10 };

/* Why a WebSocket, or a leg, ended. */
struct t3ops_ws_end {
	uint32_t struct_size;
	uint32_t step;    /* enum t3ops_step that it had reached */
	uint32_t reason;  /* enum t3ops_reason */
	int code;         /* close code; HTTP status while step is T3OPS_STEP_HTTP; 0 if there is none */
	const char *text; /* one line; "" if there is nothing to add */
};

/* What a WebSocket's owner wants to be told.  Each may be NULL but on_end. */
struct t3ops_ws_handler {
	uint32_t struct_size;
	/* Client side, before on_open: everything before the step (enum t3ops_step) worked. */
	void (*on_step)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint32_t step, void *arg);
	void (*on_open)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg);
	/* One whole message, ping or pong (op: enum t3ops_ws_op).  Pings are answered by the host. */
	void (*on_message)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len,
	                   void *arg);
	/* Exactly once; ws is gone when it returns.  Not after a ws_close of the plugin. */
	void (*on_end)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg);
	size_t max_message; /* a larger message closes with 1009; 0: 4 KiB */
	uint64_t idle_us;   /* nothing received for so long closes with 1001; 0: never.  Server side only. */
	/* Client side, before on_open or on_end: when the first of the certificates that were shown expires, since
	 * 1970; also of one that is refused.  For leg_certificate. */
	void (*on_certificate)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint64_t until_us, void *arg);
	/* Client side, before on_open or on_end: the CF-Ray of the answer to the upgrade, if there is one.  For
	 * leg_location. */
	void (*on_location)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const char *cf_ray, void *arg);
};

/* A client connection: HTTP/1.1, the certificate always checked. */
struct t3ops_ws_open {
	uint32_t struct_size;
	const char *url;        /* ws or wss */
	const char *connect_to; /* these four as in t3ops_fetch */
	const char *interface;
	const char *ca_file;
	const char *const *headers;
	uint64_t timeout_us; /* of connection, TLS and upgrade together; 0: 10 s */
	const char *user;    /* as in t3ops_fetch */
};

/* ---- why a leg, a tunnel or an exchange ended -------------------------------------------------------- */

/* t3ops(8) has a sentence for each, and the side that is at fault. */
enum t3ops_reason {
	T3OPS_R_NONE = 0,
	/* legs */
	T3OPS_R_CLOSED = 1,            /* the far side sent a WebSocket close frame */
	T3OPS_R_EOF = 2,               /* the far side closed the connection without one */
	T3OPS_R_RESET = 3,             /* TCP reset */
	T3OPS_R_REFUSED = 4,           /* connection refused */
	T3OPS_R_UNREACHABLE = 5,       /* no route to host or network */
	T3OPS_R_CONNECT_TIMEOUT = 6,   /* the attempt to connect, or TLS, was not answered in time */
	T3OPS_R_HEARTBEAT_TIMEOUT = 7, /* heartbeats were not answered until the watchdog fired */
	T3OPS_R_DNS = 8,               /* the name does not resolve */
	T3OPS_R_TLS = 9,               /* the TLS handshake failed */
	T3OPS_R_HTTP_STATUS = 10,      /* not the expected HTTP status */
	T3OPS_R_HTTP_TIMEOUT = 11,     /* connected, but no HTTP response in time */
	T3OPS_R_WALLED_OFF = 12,       /* redirected to a sign-in page */
	T3OPS_R_PROTOCOL = 13,         /* not what the protocol allows */
	T3OPS_R_LOCAL = 14,            /* ended by t3ops itself: stop, reload, user removed */
	/* users' tunnels */
	T3OPS_R_CLIENT_CLOSED = 15,   /* the page closed a connection that was answering */
	T3OPS_R_CLIENT_GAVE_UP = 16,  /* the page closed a connection that had stopped answering */
	T3OPS_R_CLIENT_EOF = 17,      /* the client's side closed without a close frame */
	T3OPS_R_CLIENT_RESET = 18,    /* the client's side reset the connection */
	T3OPS_R_CLIENT_TIMEOUT = 19,  /* the client's side stopped taking data */
	T3OPS_R_UPSTREAM_CLOSED = 20, /* the t3 server sent a WebSocket close frame */
	T3OPS_R_UPSTREAM_EOF = 21,    /* the t3 server closed without one */
	T3OPS_R_UPSTREAM_RESET = 22,  /* the t3 server reset the connection */
	T3OPS_R_IDLE = 23,            /* nothing received within the idle limit */
	T3OPS_R_ADDRESS_CHANGED = 24, /* a leg: the name resolves to another address; it moves, which is not a drop */
	T3OPS_R_UPSTREAM_TIMEOUT = 25, /* the t3 server stopped taking data */
	T3OPS_R_LARGE_LOST = 26,       /* a leg: a large message was lost while small ones were answered */
	T3OPS_R_IMPOSTOR = 27,         /* a process of another account answers where the t3 server should */
	T3OPS_R_CLOCK = 28,            /* a leg: the certificate is not valid by this machine's clock alone */
};

/* Room for a user's name: at most 254 bytes, and its NUL. */
#define T3OPS_USER_NAME_SIZE 255

/* ---- the pairing service ----------------------------------------------------------------------------- */

/* Provided by whichever plugin pairs browsers: `service` returns a struct t3ops_pairing. */
#define T3OPS_SERVICE_PAIRING "pairing"

enum t3ops_session {
	T3OPS_SESSION_UNKNOWN = 0, /* no definite answer: timeout, error, something else than a t3 server */
	T3OPS_SESSION_ALIVE = 1,
	T3OPS_SESSION_DEAD = 2,
};

enum t3ops_pair_result {
	T3OPS_PAIR_OK = 0,
	T3OPS_PAIR_MINT_FAILED = 1,
	T3OPS_PAIR_MINT_TIMEOUT = 2,
	T3OPS_PAIR_REFUSED = 3,     /* the t3 server did not accept a fresh credential */
	T3OPS_PAIR_UNREACHABLE = 4, /* the t3 server did not respond */
	T3OPS_PAIR_NO_ENDPOINT = 5, /* 404 at every endpoint */
	T3OPS_PAIR_NO_COOKIE = 6,   /* taken, but answered without a session cookie */
	T3OPS_PAIR_LIMITED = 7,     /* the user's browsers were paired too often a moment ago */
	T3OPS_PAIR_HELD = 8,        /* not now: a job stops, changes and starts the t3 server; no failure */
};

struct t3ops_paired {
	uint32_t struct_size;
	uint32_t result;         /* enum t3ops_pair_result */
	const char *set_cookie;  /* a whole Set-Cookie value; "" unless OK.  Never log it. */
	const char *cookie_name; /* of the session */
	const char *endpoint;    /* the path that decided; "" if none did */
	int status;              /* its HTTP status; 0 if none came */
	bool fallback;           /* it was not the first endpoint */
	const char *text;        /* why it failed, one line for a person; "" if OK */
};
typedef void (*t3ops_paired_cb)(void *arg, const struct t3ops_paired *p);

struct t3ops_session_state {
	uint32_t struct_size;
	uint32_t session;        /* enum t3ops_session */
	const char *cookie_name; /* as the t3 server announces it; "" if unknown */
	const char *set_cookie;  /* a Set-Cookie value that came with the answer (a renamed or renewed cookie), to be
	                            passed on to the browser; "" if none.  Never log it. */
	uint64_t expires_us;     /* end of a session that is alive, since 1970; 0 if unknown */
	bool fresh;              /* the provider made it seconds ago, as it did one before it: none is kept */
};
typedef void (*t3ops_session_cb)(void *arg, const struct t3ops_session_state *s);

/* A browser of a user, and what it asked for.  Address and User-Agent distinguish it from the user's others. */
struct t3ops_browser {
	uint32_t struct_size;
	char address[48];     /* of the client */
	char user_agent[256]; /* as it calls itself; "" if it does not */
	char path[128];       /* of the URL, without its query; "" if it asked for nothing */
};

/* pair and check answer through cb exactly once, perhaps before they return. */
struct t3ops_pairing {
	uint32_t struct_size;
	struct t3ops_ctx *provider; /* the first argument of each */
	/* Mints a credential for the user and exchanges it for a session.  A session that was made for the browser
	 * seconds ago, or is being made, is given again, and so is a failure of seconds ago.  NULL: a session that
	 * nobody else is given, tried anew each time. */
	void (*pair)(struct t3ops_ctx *provider, const struct t3ops_user *user, const struct t3ops_browser *browser,
	             t3ops_paired_cb cb, void *arg);
	/* Asks the user's t3 server whether the cookies (a whole Cookie header) hold a session that is alive. */
	void (*check)(struct t3ops_ctx *provider, const struct t3ops_user *user, const char *cookies,
	              t3ops_session_cb cb, void *arg);
	/* The name of the session cookie, as the user's t3 server announced it last; "t3_session" before that. */
	const char *(*cookie_name)(struct t3ops_ctx *provider, const struct t3ops_user *user);
};

/* ---- events, as watchers see them -------------------------------------------------------------------- */

struct t3ops_event {
	uint32_t struct_size;
	uint64_t time_us;   /* since 1970 */
	const char *kind;   /* tunnel_dropped, verdict, ...; t3ops-events(7) lists them */
	const char *plugin; /* title of the section it is about; "" if none */
	const char *user;   /* "" if none */
	const char *line;   /* the whole event in logfmt */
	/* Of verdict, verdict_healed and verdict_expired: which one; else 0. */
	uint64_t verdict;
	/* Of a verdict: the suspects, separated by spaces, or host, exonerated and the like; of a leg: what it
	 * crosses, as configured; else "". */
	const char *segments;
	uint32_t level;      /* enum t3ops_level */
	const char *process; /* whose it is: "proxy", "monitor", ...; "" of those before this monitor */
	const char *json;    /* the pairs of line as one JSON object, numbers as numbers; "{}" of those before */
	uint64_t incident;   /* of a verdict and its end, and of a leg that was asked in one: which; else 0 */
	/* Of a verdict and its end: when its first drop was, since 1970, and whom it affects, NULL-terminated.  Else
	 * 0 and NULL. */
	uint64_t since_us;
	const char *const *users;
};

/* ---- the services ------------------------------------------------------------------------------------ */

/* Whether this host has that member: newer ones are appended, and some belong to one process only. */
#define T3OPS_HOST_HAS(host, member)                                                                                 \
	((host)->struct_size >= offsetof(struct t3ops_host, member) + sizeof(host)->member && (host)->member != NULL)

struct t3ops_host {
	uint32_t struct_size;

	/* --- in every process --- */

	/* Clocks: monotonic, and since 1970. */
	uint64_t (*now_us)(struct t3ops_ctx *ctx);
	uint64_t (*wall_us)(struct t3ops_ctx *ctx);

	/* Values of the section's options, checked before init.  A name that is not in the table, or another type, is
	 * a bug of the plugin and aborts the process with a message. */
	const char *(*opt_string)(struct t3ops_ctx *ctx, const char *name);         /* textual types; "" if empty */
	size_t (*opt_count)(struct t3ops_ctx *ctx, const char *name);               /* items of a list */
	const char *(*opt_item)(struct t3ops_ctx *ctx, const char *name, size_t i); /* NULL beyond the last */
	int64_t (*opt_int)(struct t3ops_ctx *ctx, const char *name); /* int; duration in us; bytes; time in minutes */
	bool (*opt_bool)(struct t3ops_ctx *ctx, const char *name);

	/* One log line.  level=, plugin= and event= are filled in; fmt makes one sentence, the value of message=, and
	 * need not escape anything.  event: noun_verb-past. */
	void (*log)(struct t3ops_ctx *ctx, int level, const char *event, const char *fmt, ...) T3OPS_PRINTF(4, 5);

	/* What is wrong (T3OPS_ERROR: init then fails) or doubtful (T3OPS_WARNING) about the value of an option;
	 * option NULL: about the section.  fmt makes one sentence without the value.  A configuration check
	 * reports it with the option's line; at the start of a process an error is logged, a warning is not. */
	void (*option_fault)(struct t3ops_ctx *ctx, int level, const char *option, const char *fmt, ...)
	    T3OPS_PRINTF(4, 5);

	/* Metrics.  metric: index into the plugin's table; labels: as many values as its row has names. */
	void (*count)(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint64_t add);
	void (*gauge)(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value);
	void (*observe)(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value);

	/* An event for the log and the journal.  kind: one that t3ops-events(7) lists; another one is filed as
	 * "note". user and text may be NULL; code: an HTTP status, or 0. */
	void (*emit)(struct t3ops_ctx *ctx, const char *kind, const char *user, int code, const char *text);
	/* The same, with the browser that caused it; NULL: none did. */
	void (*emit_browser)(struct t3ops_ctx *ctx, const char *kind, const char *user,
	                     const struct t3ops_browser *browser, int code, const char *text);

	/* Timers.  every_us 0: once; such a timer is gone after its callback.  NULL without memory. */
	struct t3ops_timer *(*timer_start)(struct t3ops_ctx *ctx, uint64_t after_us, uint64_t every_us,
	                                   void (*cb)(struct t3ops_ctx *ctx, void *arg), void *arg);
	void (*timer_stop)(struct t3ops_ctx *ctx, struct t3ops_timer *t); /* NULL is fine */

	/* HTTP.  Returns an id, never 0; cb comes once, later, unless the fetch is cancelled. */
	uint64_t (*fetch)(struct t3ops_ctx *ctx, const struct t3ops_fetch *f, t3ops_fetch_cb cb, void *arg);
	void (*fetch_cancel)(struct t3ops_ctx *ctx, uint64_t id); /* a stale id is fine */
	/* What a leg reports (enum t3ops_reason) of an error of t3ops_fetched at a step, and of a status that is not
	 * the expected one: a redirect is a sign-in page in the way. */
	uint32_t (*fetch_reason)(struct t3ops_ctx *ctx, int error, uint32_t step);
	uint32_t (*status_reason)(struct t3ops_ctx *ctx, int status);
	/* The same at once: false if the status is the expected one; else true, and *out is what a leg gives to
	 * leg_down.  out->struct_size must be set; its text is that of f. */
	bool (*fetch_end)(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, int expected,
	                  struct t3ops_ws_end *out);
	/* As log lines call a step and a reason: "connect", "refused". */
	const char *(*step_name)(struct t3ops_ctx *ctx, uint32_t step);
	const char *(*reason_name)(struct t3ops_ctx *ctx, uint32_t reason);

	/* Has the helper run a command section, named by an option of type T3OPS_OPT_COMMAND, for a user of the
	 * table.  Returns an id, never 0; cb comes once, later.  Not in the monitor.  A job's process gets programs
	 * run for the user of the run only. */
	uint64_t (*command)(struct t3ops_ctx *ctx, const char *command, const char *user, t3ops_ran_cb cb, void *arg);

	/* Finds a user of the table by name (a job's process knows the user of the run only).  out->struct_size must
	 * be set.  The strings stay valid until the callback returns. */
	bool (*user_find)(struct t3ops_ctx *ctx, const char *name, struct t3ops_user *out);

	/* Services between plugins of one process.  provide: in init, for each name in the descriptor's `provides`;
	 * the table must live until stop.  service: from start on; NULL if nobody provides it. */
	int (*provide)(struct t3ops_ctx *ctx, const char *service, const void *table);
	const void *(*service)(struct t3ops_ctx *ctx, const char *service);

	/* --- in the proxy: requests --- */

	const char *(*request_method)(struct t3ops_ctx *ctx, t3ops_request_id r);
	const char *(*request_target)(struct t3ops_ctx *ctx, t3ops_request_id r); /* path and query, as sent */
	const char *(*request_header)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name); /* first value */
	bool (*request_is_upgrade)(struct t3ops_ctx *ctx, t3ops_request_id r); /* to a WebSocket */
	/* Whose request it is; false if nobody's.  out->struct_size must be set. */
	bool (*request_user)(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_user *out);
	/* Writes the client's address: as a trusted proxy reports it, else the peer's.  False if r is stale. */
	bool (*request_address)(struct t3ops_ctx *ctx, t3ops_request_id r, char *out, size_t size);
	/* Whose page caused it, enum t3ops_site; somebody who opens a page may come from any. */
	uint32_t (*request_site)(struct t3ops_ctx *ctx, t3ops_request_id r);
	/* Who asks, and for what; also for t3ops_pairing.pair.  out->struct_size must be set.  False if r is stale.
	 */
	bool (*request_browser)(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_browser *out);
	/* Replaces a header on the way to the t3 server; NULL removes it. */
	int (*request_set_header)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value);
	/* Adds a header to the response, whoever makes it; also to a 101. */
	int (*request_add_response_header)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name,
	                                   const char *value);
	/* Responds here.  headers: "Name: value", NULL-terminated, may be NULL; framing and lengths are the host's.
	 * Without a Cache-Control among them it says no-store. */
	int (*request_respond)(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *const *headers,
	                       const void *body, size_t len);
	int (*request_explain)(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_page *page);
	/* After T3OPS_WAIT: go on with the next plugin. */
	void (*request_resume)(struct t3ops_ctx *ctx, t3ops_request_id r);
	/* Becomes the server side of the WebSocket.  The exchange is over; ws_send and ws_close go on.  NULL if it is
	 * not an upgrade, without memory, or after a faulty handshake, which has been responded to then. */
	struct t3ops_ws *(*request_accept_ws)(struct t3ops_ctx *ctx, t3ops_request_id r,
	                                      const struct t3ops_ws_handler *h, void *arg);

	/* --- in the proxy (server side) and the prober (client side): WebSockets --- */

	/* Prober only.  NULL only without memory; every other failure comes through on_end. */
	struct t3ops_ws *(*ws_open)(struct t3ops_ctx *ctx, const struct t3ops_ws_open *o,
	                            const struct t3ops_ws_handler *h, void *arg);
	/* 0: queued.  Otherwise nothing of it is sent: -EPIPE or -ENOTCONN if the WebSocket is closing; -ENOBUFS
	 * (proxy) if what waits for the other side already is 16 of the handler's largest messages. */
	int (*ws_send)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len);
	/* Sends a close frame, then ends.  For the plugin ws is gone at once; no on_end follows. */
	void (*ws_close)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code);

	/* The key by which /probe/ws knows the installation's own legs; "" in other processes.  Never log it. */
	const char *(*probe_key)(struct t3ops_ctx *ctx);

	/* --- in the prober: what a leg reports; heartbeats, watchdog and back-off are the host's --- */

	const struct t3ops_user *(*leg_user)(struct t3ops_ctx *ctx, struct t3ops_leg *leg); /* NULL unless PER_USER */
	void (*leg_set)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, void *state); /* the plugin's own, per leg */
	void *(*leg_get)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	/* The attempt, or the fresh connection, reached that step: everything before it worked.  In ascending order.
	 */
	void (*leg_reached)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t step);
	/* Established. */
	void (*leg_up)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	/* The heartbeat that leg_ping asked for was answered. */
	void (*leg_pong)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t rtt_us);
	/* The connection ended, or the attempt failed.  The host calls leg_close, then leg_open after its back-off.
	 */
	void (*leg_down)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end);
	/* The resolver answered, or failed, while the connection lives: evidence for or against "dns". */
	void (*leg_resolver)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool ok, const char *text);
	/* The fresh connection that leg_fresh asked for was made and answered one heartbeat: took_us, from the call
	 * on. */
	void (*leg_fresh_up)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t took_us);
	/* It could not be made, or did not answer. */
	void (*leg_fresh_down)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end);
	/* When the first of the certificates that the leg's edge segment showed expires, since 1970; 0: not known,
	 * nothing happens.  The host reports one that expires soon. */
	void (*leg_certificate)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t until_us);
	/* The CF-Ray of an answer over the leg's edge segment: it says over which location of Cloudflare the attempt,
	 * the fresh connection or the heartbeat went, and only for that one the leg speaks.  NULL, or one that names
	 * no location: nothing happens. */
	void (*leg_location)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const char *cf_ray);
	/* A large message on a connection whose heartbeat was answered: enum t3ops_large, and how long it took.
	 * Evidence about what carries large messages. */
	void (*leg_large)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate, uint64_t took_us);
	/* Also in the monitor, where it is on the disk when save returns.  A secret text of the section that outlives
	 * the process, one for each user, in a file below state_dir that only t3ops' account may read.  load: its
	 * length, -ENOENT if there is none, -EFBIG if it does not fit with its NUL.  save: NULL removes it. */
	int (*secret_load)(struct t3ops_ctx *ctx, const char *user, char *out, size_t size);
	int (*secret_save)(struct t3ops_ctx *ctx, const char *user, const char *text);

	/* --- in the monitor --- */

	/* Has the jobs process run the job section `job` for a user, or for "", all of them, as somebody who asks at
	 * the control socket would; action "" is a run.  arguments: "NAME=VALUE", NULL-terminated, may be NULL.  How
	 * it ends for each user comes as an event: job_done or job_failed, of an action action_done or action_failed,
	 * with the section and the user.  cb, which may be NULL, comes once, later, when it has ended for all of
	 * them.  0; or no cb comes: -ENOENT, there is no such job section; -E2BIG, the arguments are too long;
	 * -EHOSTDOWN, the jobs process cannot be reached now; -ENOMEM. */
	int (*request_action)(struct t3ops_ctx *ctx, const char *job, const char *action, const char *user,
	                      const char *const *arguments, t3ops_acted_cb cb, void *arg);

	/* --- in a job's process, inside run --- */

	/* A fact about this run, for its event and its log line as key=value.  Before a failure: "error"; "note":
	 * what who asked for it is told of one that is fine. */
	void (*report)(struct t3ops_ctx *ctx, const char *key, const char *fmt, ...) T3OPS_PRINTF(3, 4);
	/* Runs timers, fetches and commands, and their callbacks, until one of these sets *done.  0, or
	 * -ETIMEDOUT after timeout_us. */
	int (*wait)(struct t3ops_ctx *ctx, const bool *done, uint64_t timeout_us);
	/* Whether somebody asked for this run; else its time had come. */
	bool (*run_requested)(struct t3ops_ctx *ctx);
	/* Of an action, also inside act_whole: an argument's value, "" if it was given without one; NULL: it was not
	 * given. */
	const char *(*argument)(struct t3ops_ctx *ctx, const char *name);
	/* What was reported since the last call, or the beginning, becomes one row of the action's answer; also
	 * inside act_whole, and so `report`. */
	void (*report_row)(struct t3ops_ctx *ctx);
	/* Calls the plugin's `rehearse`, and waits for it: in a process of its own, with user, mount, network and PID
	 * namespaces of its own.  There all files are read-only but those at `binds`, /run and /tmp are empty unless
	 * something of `binds` is below them, nothing is reachable but the loopback device, where the user's address
	 * is, too, and commands are run by that process itself.  Whatever it started ends with it.  Returns what
	 * rehearse returned, or with the fact "error": -EPERM (this kernel, or t3ops' service, allows no such
	 * namespaces), -ETIMEDOUT, -EIO (it ended without an answer). */
	int (*rehearse)(struct t3ops_ctx *ctx, const struct t3ops_rehearsal *r);
	/* What the last rehearsal reported under that key; NULL: nothing.  Valid until the next one. */
	const char *(*rehearsed)(struct t3ops_ctx *ctx, const char *key);
	/* The argv of a command section that an option of the section names, filled in for the user of the run; NULL:
	 * it cannot be. */
	const char *const *(*command_argv)(struct t3ops_ctx *ctx, const char *command);

	/* --- in every process --- */

	/* This process's share, rounded up, of a limit that all processes of its kind have together: where the option
	 * workers makes several proxies, none of them may use up all of it.  0 stays 0. */
	int64_t (*share_of)(struct t3ops_ctx *ctx, int64_t limit);

	/* Calls cb as long as the descriptor, a socket of the plugin's own that does not block, is ready for one of
	 * events (enum t3ops_fd_events); ready: which.  The descriptor stays the plugin's, which stops watching it
	 * before it closes it: in cb, too.  What is left at stop is stopped by itself, not closed.  NULL without
	 * memory. */
	struct t3ops_fd_watch *(*fd_watch)(struct t3ops_ctx *ctx, int fd, uint32_t events,
	                                   void (*cb)(struct t3ops_ctx *ctx, uint32_t ready, void *arg), void *arg);
	void (*fd_unwatch)(struct t3ops_ctx *ctx, struct t3ops_fd_watch *w); /* NULL is fine */

	/* --- in the proxy --- */

	/* How long the latest bytes of the WebSocket waited in the kernel until this process took them; 0: that is
	 * not known. */
	uint64_t (*ws_waited_us)(struct t3ops_ctx *ctx, struct t3ops_ws *ws);

	/* --- in the prober: how far heartbeats get, beside what leg_pong says --- */

	/* The WebSocket that carries the leg's heartbeats, until it ends: when one is late the host asks the kernel
	 * whether it was acknowledged. */
	void (*leg_carrier)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, struct t3ops_ws *ws);
	/* What the far end says of the last heartbeat that was not answered: enum t3ops_beat. */
	void (*leg_beat)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate);
	/* Of a heartbeat whose answer has just come: when it was sent, and, by the clock of the far end, when it was
	 * received there and answered. */
	void (*leg_stamps)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t sent_us, uint64_t received_us,
	                   uint64_t answered_us);

	/* --- in the proxy: proofs of identity --- */

	/* The value of the nth (from 0) field of that name, as it was sent; NULL if there is none. */
	const char *(*request_header_nth)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, size_t nth);
	/* Whether that text, from elsewhere than the identity header, names the user of the request, or whom it names
	 * who is no user of the table: read as the header is, by identity_strip_domain and identity_ignore_case, but
	 * never percent-decoded. */
	bool (*request_is_of)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *identity);

	/* --- in a job's process, inside run: for one that stops the user's t3 server and changes what is its own ---
	 */

	/* From now on no other process of t3ops, and no other job, gets a command run for the user of the run, or for
	 * one who has the same t3 server: it is told -EBUSY.  Waits until those that were in progress have ended.
	 * Until commands_release, or the end of this process.  0; -ETIMEDOUT: some still run after timeout_us;
	 * -EBUSY: another job holds them; -EHOSTDOWN. */
	int (*commands_hold)(struct t3ops_ctx *ctx, uint64_t timeout_us);
	void (*commands_release)(struct t3ops_ctx *ctx); /* also without a hold */
};

/* ---- the descriptor ---------------------------------------------------------------------------------- */

/* Callbacks that a role does not need may be NULL, and so may init, check, start and stop. */
struct t3ops_plugin {
	/* The head: it never changes, and T3OPS_HEAD fills it in. */
	uint32_t magic;
	uint16_t abi_major, abi_minor;
	uint32_t struct_size; /* of this struct */
	uint32_t option_size; /* of one struct t3ops_option */
	uint32_t metric_size; /* of one struct t3ops_metric */

	uint32_t roles;      /* enum t3ops_role, one or several; 0 if it only provides a service */
	const char *name;    /* as the file is called, and the symbol ends */
	const char *version; /* letters, digits, dots, - and _ */
	const char *summary; /* a few words */

	/* Names of services, separated by single spaces; NULL or "": none.  provides: what init registers with
	 * `provide`.  needs: what start gets from `service`; a configuration in which nobody provides it is refused.
	 * A plugin is loaded in the processes of its roles and, besides, wherever a plugin that is loaded already
	 * needs or wants a service that it provides.  There only its init, start, stop and the service itself are
	 * called. */
	const char *provides;
	const char *needs;
	/* What it uses where somebody provides it, and can do without; loaded as for needs.  wants_option: name of a
	 * boolean option of its own that turns this off with false; a configuration in which nobody provides what it
	 * wants is warned of while that is true.  NULL: there is none, and no warning. */
	const char *wants;
	const char *wants_option;

	const struct t3ops_option *options;
	const struct t3ops_metric *metrics;
	uint32_t n_options;
	uint32_t n_metrics;

	/* Reads the options, allocates, registers services.  If it fails the process does not start: say why with
	 * option_fault first.  Runs also when a configuration is checked, in a process that is thrown away: the host
	 * then starts no timer, fetch or command, and only check and stop follow. */
	int (*init)(struct t3ops_ctx *ctx);
	/* Only when a configuration is checked, after init: looks at what the options name (files, directories) and
	 * reports with option_fault.  May block for a moment.  If it fails the configuration is refused. */
	int (*check)(struct t3ops_ctx *ctx);
	/* Begins work, after init of every plugin. */
	int (*start)(struct t3ops_ctx *ctx);
	/* Releases everything.  Timers, fetches and commands that are left end without their callbacks. */
	void (*stop)(struct t3ops_ctx *ctx);

	/* T3OPS_ROLE_PROXY: for each request of every client, public paths included. */
	enum t3ops_next (*on_request)(struct t3ops_ctx *ctx, t3ops_request_id r);
	/* The t3 server answered 401, and nothing of that has been passed on: what the plugin changes now and
	 * request_resume send the request once more, request_respond and request_explain respond to it here.  If
	 * every plugin returns T3OPS_NEXT the 401 is passed on.  Only for requests that can be sent again, WebSocket
	 * upgrades and those without a body; once for each.  NULL: the plugin leaves every 401 alone. */
	enum t3ops_next (*on_unauthorized)(struct t3ops_ctx *ctx, t3ops_request_id r);
	/* Paths whose requests it answers itself, whoever sends them: "/probe/ws /probe/healthz /probe/"; one that
	 * ends in a slash stands for all below it, if only with an error; NULL or "": none. */
	const char *answers;

	/* T3OPS_ROLE_LEG */
	uint32_t leg_flags; /* enum t3ops_leg_flags */
	/* Defaults of options that every leg has.  segments, separated by spaces; "": the operator must say.  edge,
	 * the segment that ends TCP and TLS; "": the first one.  resolver_segments; NULL or "": the leg does
	 * not look up a name, so none of its failures accuses a resolver. */
	const char *leg_segments;
	const char *leg_edge;
	const char *leg_resolver;
	/* Name of the option that holds the URL it connects to, if a request plugin must answer there; else NULL. */
	const char *leg_target;
	/* Begins an attempt: leg_up or leg_down follows. */
	void (*leg_open)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	/* Sends a heartbeat, only while the leg is up: leg_pong or leg_down follows. */
	void (*leg_ping)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	/* Releases what leg_open and leg_fresh took: after leg_down, after a watchdog of the host, and at the end. */
	void (*leg_close)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	/* Makes a fresh connection beside the established one, only while the leg is up, as a user who arrives
	 * would: every step from looking up the name, one heartbeat, and an orderly close.  leg_fresh_up or
	 * leg_fresh_down follows, once.  If the one before hangs it is abandoned.  thorough: something may have
	 * broken, so that a large message is worth sending now.  NULL: the leg makes none (its heartbeats are new
	 * connections already). */
	void (*leg_fresh)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool thorough);

	/* T3OPS_ROLE_JOB: one run for one user, in a process of its own that runs as the user's account where t3ops
	 * is root.  It may block, and is killed at the option `deadline`.  0, or a negative errno after
	 * report("error"). */
	int (*run)(struct t3ops_ctx *ctx, const struct t3ops_user *user);
	/* An action for one user, as run; its name and the names of its arguments are among those of `actions`.  No
	 * metric counts it. */
	const struct t3ops_action *actions;
	uint32_t n_actions;
	uint32_t action_size; /* of one struct t3ops_action */
	int (*act)(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action);
	/* What host->rehearse asked for, in the process that it made.  As run; NULL: it rehearses nothing. */
	int (*rehearse)(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *name);

	/* T3OPS_ROLE_WATCH: for each event of every process. */
	void (*on_event)(struct t3ops_ctx *ctx, const struct t3ops_event *e);
	/* T3OPS_ROLE_WATCH, before the first of them: what an earlier monitor left, oldest first.  What this plugin
	 * said itself (emit) within the last day and how runs and actions of its section ended within eight, and then
	 * each verdict that stands, as on_event would have got it.  NULL: it need not know. */
	void (*on_earlier)(struct t3ops_ctx *ctx, const struct t3ops_event *e);
	/* Names of actions, separated by single spaces, that are for the installation as a whole if no user is named;
	 * NULL or "": none.  act_whole then does them, in the monitor, and as act; it may not block: it begins
	 * something, or reports what is known. */
	const char *whole_actions;
	int (*act_whole)(struct t3ops_ctx *ctx, const char *action);

	/* T3OPS_ROLE_PROXY: whether a request is from whom its identity header says, as on_request, and before that
	 * and everything else that depends on the user.  Only for requests whose header, from a trusted proxy, names
	 * somebody, be it a user of the table or not, which nobody learns who proves nothing: request_user is false
	 * then.  On public paths none counts.  NULL: the plugin believes the header. */
	enum t3ops_next (*on_identity)(struct t3ops_ctx *ctx, t3ops_request_id r);
};

/* T3OPS_ACTIONS(table) sets the three members about actions.
 * T3OPS_PLUGIN defines the one exported symbol:  T3OPS_PLUGIN(NAME) = { T3OPS_HEAD, .roles = ..., ... }; */
#define T3OPS_PLUGIN(id)                                                                                             \
	T3OPS_EXPORT extern const struct t3ops_plugin t3ops_plugin_##id;                                             \
	const struct t3ops_plugin t3ops_plugin_##id
#define T3OPS_ACTIONS(table)                                                                                         \
	.actions = (table), .n_actions = sizeof(table) / sizeof *(table), .action_size = sizeof(struct t3ops_action)
#define T3OPS_HEAD                                                                                                   \
	.magic = T3OPS_MAGIC, .abi_major = T3OPS_ABI_MAJOR, .abi_minor = T3OPS_ABI_MINOR,                            \
	.struct_size = sizeof(struct t3ops_plugin), .option_size = sizeof(struct t3ops_option),                      \
	.metric_size = sizeof(struct t3ops_metric)

#ifdef __cplusplus
}
#endif
#endif

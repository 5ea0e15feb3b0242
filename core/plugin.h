/* SPDX-License-Identifier: MIT */
/*
 * <t3ops/plugin.h>: the whole contract between the t3ops daemon and a plugin.
 *
 * A plugin is one .so that exports one constant, `t3ops_plugin_NAME`, and nothing
 * else.  The daemon reads the numbers in its head before any code of the plugin
 * runs.  A plugin runs in one process (process) only, on that process's single thread;
 * it never blocks, except in `run` of a job, which has a process of its own.
 *
 *   loaded -> init -> start -> (callbacks)* -> stop -> process ends
 *
 * A running process never reloads: a new configuration starts a new process.
 *
 * Ownership, unless a comment says otherwise: a pointer handed to a callback is
 * borrowed until the callback returns; a pointer handed to the host is copied by
 * the host before it returns; a string that an option reader returns is static
 * until stop.  Times are microseconds (`_us`).  Calls that can fail return 0 or a
 * negative errno.
 */
#ifndef T3OPS_PLUGIN_H
#define T3OPS_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define T3OPS_ABI_MAJOR 1 /* something was removed, reordered or redefined */
#define T3OPS_ABI_MINOR 0 /* something was appended */
#define T3OPS_MAGIC     UINT32_C(0x54334f50)

#if defined(__GNUC__)
#define T3OPS_EXPORT       __attribute__((visibility("default")))
#define T3OPS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define T3OPS_EXPORT
#define T3OPS_PRINTF(f, a)
#endif

/* ---- what a plugin declares -------------------------------------------- */

/* What a plugin does, as a set of bits: each role is served by a process of its own, which loads every
 * plugin with that role and calls the callbacks named here. */
enum t3ops_role {
	T3OPS_ROLE_PROXY = 1, /* request plugin, in the proxy: on_request */
	T3OPS_ROLE_LEG = 2,   /* leg plugin, in the prober: leg_open, leg_ping, leg_close */
	T3OPS_ROLE_JOB = 4,   /* job plugin, in a process of its own for each run: run */
	T3OPS_ROLE_WATCH = 8, /* watch plugin, in the monitor: on_event */
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
	T3OPS_OPT_SECRET_FILE, /* absolute path of a file that only its owner may read */
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
	/* {"a", "b"}; the default is written "a b".  Alone a list of strings; with another textual type
	 * (T3OPS_OPT_LIST | T3OPS_OPT_NETWORK) each item is of that type. */
	T3OPS_OPT_LIST = 0x100,
};

#define T3OPS_REQUIRED NULL /* as a default: the operator must give a value */

/* One option.  The same row checks the file, feeds `t3ops --explain` and the manual. */
struct t3ops_option {
	const char *name;
	uint32_t type;        /* enum t3ops_option_type */
	const char *fallback; /* as the operator would write it; T3OPS_REQUIRED: none */
	int64_t min, max;     /* both 0: no limits */
	const char *help;     /* one sentence */
};

enum t3ops_metric_type { T3OPS_COUNTER = 1, T3OPS_GAUGE, T3OPS_HISTOGRAM };

/* One metric family.  Every series gets the label plugin="INSTANCE" first, then
 * the labels named here, in this order. */
struct t3ops_metric {
	const char *name; /* complete, as Prometheus sees it: t3ops_pair_total */
	uint32_t type;    /* enum t3ops_metric_type */
	const char *labels[4];
	const double *buckets; /* histogram: n_buckets upper bounds, ascending, without +Inf */
	uint32_t n_buckets;
	const char *help;
};

/* ---- what a plugin sees of the daemon ----------------------------------- */

struct t3ops_instance; /* one section of t3ops.conf */
struct t3ops_host;     /* the table of services, below */
struct t3ops_timer;
struct t3ops_leg;
struct t3ops_ws;
struct t3ops_plugin;

/* Handed to every callback; valid until stop. */
struct t3ops_ctx {
	const struct t3ops_host *host;
	struct t3ops_instance *instance;
	const char *name; /* the section's title */
	void *state;      /* the plugin's own; set it in init */
};

/* A row of the user table.  Fields beyond struct_size do not exist. */
struct t3ops_user {
	uint32_t struct_size;
	const char *name;    /* as the identity header says */
	const char *os_user; /* Unix account */
	const char *home;    /* its home directory, "" if unknown */
	const char *host;    /* address of the instance: 127.0.0.1 unless the table says other */
	uint16_t port;
};

enum t3ops_level { T3OPS_DEBUG = 7, T3OPS_INFO = 6, T3OPS_NOTICE = 5, T3OPS_WARNING = 4, T3OPS_ERROR = 3 };

/* ---- request plugins ------------------------------------------------------ */

typedef uint64_t t3ops_request_id; /* 0 is never a request; a stale one is harmless */

enum t3ops_next {
	T3OPS_NEXT = 0, /* the next plugin, at last the instance */
	T3OPS_DONE = 1, /* answered, or taken over */
	T3OPS_WAIT = 2, /* request_resume or request_respond will follow before the deadline */
};

/* ---- legs ------------------------------------------------------------------- */

/* How far an attempt got.  Everything before the step worked. */
enum t3ops_step {
	T3OPS_STEP_DNS = 1,     /* looking the name up */
	T3OPS_STEP_CONNECT = 2, /* TCP, up to the leg's edge segment */
	T3OPS_STEP_TLS = 3,     /* TLS with the leg's edge segment */
	T3OPS_STEP_HTTP = 4,    /* request or upgrade, through the edge to the end */
	T3OPS_STEP_OPEN = 5,    /* established: heartbeats go through */
};

enum t3ops_leg_flags {
	T3OPS_LEG_PER_USER = 1, /* one leg for each user of the table; leg_user() tells whose */
};

/* ---- fetch: one HTTP transfer, never blocking ------------------------------- */

struct t3ops_fetch {
	uint32_t struct_size; /* sizeof(struct t3ops_fetch) */
	const char *method;   /* NULL: GET */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const void *body;
	size_t body_len;
	uint64_t timeout_us;         /* whole transfer; 0: 10 s */
	uint64_t connect_timeout_us; /* 0: the same */
	size_t max_body;             /* a larger answer fails with -EFBIG; 0: 256 KiB */
	const char *connect_to;      /* "ADDRESS" or "ADDRESS:PORT": go there, with Host, SNI and
	                                certificate check unchanged; NULL: as the URL says */
	const char *interface;       /* device or source address; NULL: any */
	const char *ca_file;         /* NULL: the system's */
	bool fresh;                  /* never on a reused connection */
	/* Each step (enum t3ops_step) that is reached, ascending, before the end: everything before it worked.
	 * Steps passed at once are told as the last of them.  May be NULL; arg is that of fetch. */
	void (*on_step)(struct t3ops_ctx *ctx, uint32_t step, void *arg);
};

struct t3ops_fetched {
	uint32_t struct_size;
	int error;        /* 0, or negative errno: -ETIMEDOUT -ECONNREFUSED -ECONNRESET -EPROTO ... */
	uint32_t step;    /* enum t3ops_step that failed; T3OPS_STEP_OPEN after an answer */
	int status;       /* HTTP status, 0 if none came */
	const char *body; /* NUL-terminated beyond body_len */
	size_t body_len;
	const char *error_text; /* one line for a log; "" without error */
	uint64_t total_us;
	/* Value of the nth (from 0) header of that name, NULL if there is none; borrowed. */
	const char *(*header)(const struct t3ops_fetched *f, const char *name, size_t nth);
	const void *priv;
};
typedef void (*t3ops_fetch_cb)(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg);

/* ---- commands: a named command of the config, run by the helper -------------- */

struct t3ops_ran {
	uint32_t struct_size;
	int error;       /* 0 if it ran to its end; -ETIMEDOUT, -ENOENT (no such command or user),
	                    -E2BIG (too much output), -EHOSTDOWN (no helper), -EAGAIN (too many) */
	int exit_code;   /* 0..255; 128 + signal if a signal ended it */
	const char *out; /* stdout, NUL-terminated beyond out_len: may hold a credential, never log it */
	size_t out_len;
	uint64_t took_us;
};
typedef void (*t3ops_ran_cb)(struct t3ops_ctx *ctx, const struct t3ops_ran *ran, void *arg);

/* ---- WebSocket, both sides ----------------------------------------------------- */

enum t3ops_ws_op { T3OPS_WS_TEXT = 1, T3OPS_WS_BINARY = 2, T3OPS_WS_PING = 9, T3OPS_WS_PONG = 10 };

/* Why a WebSocket ended. */
struct t3ops_ws_end {
	uint32_t struct_size;
	uint32_t step;    /* enum t3ops_step reached */
	uint32_t reason;  /* enum t3ops_reason */
	int code;         /* close code, or HTTP status while step is HTTP; 0 if none */
	const char *text; /* one line, "" if there is nothing to add */
};

struct t3ops_ws_handler {
	uint32_t struct_size;
	void (*on_open)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg);
	/* One whole message, ping or pong (op: enum t3ops_ws_op). */
	void (*on_message)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len,
	                   void *arg);
	/* Exactly once; ws is gone when it returns.  Not after ws_close by the plugin. */
	void (*on_end)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg);
	size_t max_message; /* a larger one closes with 1009; 0: 4 KiB */
	uint64_t idle_us;   /* nothing received for so long closes with 1001; 0: never */
	/* Client side, before on_open: everything before `step` (enum t3ops_step) worked.  May be NULL. */
	void (*on_step)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint32_t step, void *arg);
};

/* A client connection: wss:// or ws://, HTTP/1.1, certificate always checked. */
struct t3ops_ws_open {
	uint32_t struct_size;
	const char *url;
	const char *connect_to; /* as in t3ops_fetch */
	const char *interface;
	const char *ca_file;
	const char *const *headers;
	uint64_t timeout_us; /* connect, TLS and upgrade together; 0: 10 s */
};

/* ---- why a leg, tunnel or exchange ended: core/tbl/close_reason.h names them ------- */

enum t3ops_reason {
	T3OPS_R_NONE = 0,
	T3OPS_R_CLOSED = 1,      /* the far side closed with a WebSocket close frame */
	T3OPS_R_EOF = 2,         /* the far side closed TCP without one */
	T3OPS_R_RESET = 3,       /* TCP reset */
	T3OPS_R_REFUSED = 4,     /* connection refused */
	T3OPS_R_UNREACHABLE = 5, /* no route to host or network */
	T3OPS_R_CONNECT_TIMEOUT = 6,
	T3OPS_R_HEARTBEAT_TIMEOUT = 7,
	T3OPS_R_DNS = 8,
	T3OPS_R_TLS = 9,
	T3OPS_R_HTTP_STATUS = 10,
	T3OPS_R_HTTP_TIMEOUT = 11,   /* connected, never answered */
	T3OPS_R_WALLED_OFF = 12,     /* redirected to a login page */
	T3OPS_R_PROTOCOL = 13,       /* not what the protocol allows */
	T3OPS_R_LOCAL = 14,          /* we ended it: stop, reload, user removed */
	T3OPS_R_CLIENT_CLOSED = 15,  /* the user's page closed an answering connection */
	T3OPS_R_CLIENT_GAVE_UP = 16, /* the user's page closed one that had stopped answering */
	T3OPS_R_CLIENT_EOF = 17,
	T3OPS_R_CLIENT_RESET = 18,
	T3OPS_R_CLIENT_TIMEOUT = 19,
	T3OPS_R_UPSTREAM_CLOSED = 20,
	T3OPS_R_UPSTREAM_EOF = 21,
	T3OPS_R_UPSTREAM_RESET = 22,
	T3OPS_R_TOO_BIG = 23,          /* a message over the limit */
	T3OPS_R_IDLE = 24,             /* nothing received within the idle limit */
	T3OPS_R_ADDRESS_CHANGED = 25,  /* the name resolves elsewhere now: moved, no drop */
	T3OPS_R_UPSTREAM_TIMEOUT = 26, /* the instance stopped taking data */
};

/* ---- the pairing service: what auto_pair provides ---------------------------------- */

#define T3OPS_SERVICE_PAIRING "pairing"

enum t3ops_session { T3OPS_SESSION_UNKNOWN = 0, T3OPS_SESSION_ALIVE = 1, T3OPS_SESSION_DEAD = 2 };

enum t3ops_pair_result {
	T3OPS_PAIR_OK = 0,
	T3OPS_PAIR_MINT_FAILED = 1,
	T3OPS_PAIR_MINT_TIMEOUT = 2,
	T3OPS_PAIR_REFUSED = 3,     /* the instance refused a fresh credential */
	T3OPS_PAIR_UNREACHABLE = 4, /* the instance did not answer */
	T3OPS_PAIR_NO_ENDPOINT = 5, /* 404 at every endpoint */
};

struct t3ops_paired {
	uint32_t struct_size;
	uint32_t result;        /* enum t3ops_pair_result */
	const char *set_cookie; /* complete header value, "" unless OK: never log it */
	const char *cookie_name;
	const char *endpoint; /* path that decided, "" if none */
	int status;           /* its HTTP status */
	bool fallback;        /* it was not the first endpoint */
	const char *text;     /* one line for a person */
};
typedef void (*t3ops_paired_cb)(void *arg, const struct t3ops_paired *p);

struct t3ops_session_state {
	uint32_t struct_size;
	uint32_t session;        /* enum t3ops_session */
	const char *cookie_name; /* as the instance announces it; "" if unknown */
};
typedef void (*t3ops_session_cb)(void *arg, const struct t3ops_session_state *s);

/* Both calls answer through cb exactly once, later or before they return. */
struct t3ops_pairing {
	uint32_t struct_size;
	struct t3ops_ctx *provider;
	/* Mint and exchange for `user`; concurrent calls for one user share one mint. */
	void (*pair)(struct t3ops_ctx *provider, const struct t3ops_user *user, t3ops_paired_cb cb, void *arg);
	/* Ask the instance whether `cookie_header` (a whole Cookie value) is a live session. */
	void (*check)(struct t3ops_ctx *provider, const struct t3ops_user *user, const char *cookie_header,
	              t3ops_session_cb cb, void *arg);
	/* The session cookie's name at this user's instance as last announced, "t3_session" before. */
	const char *(*cookie_name)(struct t3ops_ctx *provider, const struct t3ops_user *user);
};

/* ---- events, as watch plugins see them ------------------------------------------------ */

struct t3ops_event {
	uint32_t struct_size;
	uint64_t time_us;   /* since 1970 */
	const char *kind;   /* tunnel_dropped, verdict, ... */
	const char *plugin; /* instance, "" if none */
	const char *user;   /* "" if none */
	const char *line;   /* the whole event as logfmt */
};

/* ---- the services ----------------------------------------------------------------------
 * Append only.  A member beyond struct_size is not there: compare before using a newer one. */

#define T3OPS_HOST_HAS(host, member)                                                                                 \
	((host)->struct_size >= offsetof(struct t3ops_host, member) + sizeof(host)->member && (host)->member != NULL)

struct t3ops_host {
	uint32_t struct_size;

	/* Clocks: monotonic, and since 1970. */
	uint64_t (*now_us)(struct t3ops_ctx *ctx);
	uint64_t (*wall_us)(struct t3ops_ctx *ctx);

	/* Options of the instance, checked before init.  An unknown name or another type is a
	 * mistake of the plugin and ends the process with a message. */
	const char *(*opt_string)(struct t3ops_ctx *ctx, const char *name); /* every textual type; "" if empty */
	size_t (*opt_count)(struct t3ops_ctx *ctx, const char *name);
	const char *(*opt_item)(struct t3ops_ctx *ctx, const char *name, size_t i);
	int64_t (*opt_int)(struct t3ops_ctx *ctx, const char *name); /* int; duration in us; bytes; time in minutes */
	bool (*opt_bool)(struct t3ops_ctx *ctx, const char *name);

	/* One log line: level=, plugin= and event= are filled in; fmt makes one sentence, the value of message=,
	 * and need not escape anything.  event: noun_verb-past. */
	void (*log)(struct t3ops_ctx *ctx, int level, const char *event, const char *fmt, ...) T3OPS_PRINTF(4, 5);

	/* Metrics; `metric` indexes the plugin's table, labels as many as its row names. */
	void (*count)(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint64_t add);
	void (*gauge)(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value);
	void (*observe)(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value);

	/* An event of the journal.  kind "pairing_done" etc. are listed in core/tbl/event_kind.h; a kind that
	 * is not there is journalled as "note".  user, reason and text may be NULL, "", 0. */
	void (*emit)(struct t3ops_ctx *ctx, const char *kind, const char *user, int code, const char *text);

	/* Timers.  every_us 0: once.  A one-shot timer is gone after its callback. */
	struct t3ops_timer *(*timer_start)(struct t3ops_ctx *ctx, uint64_t after_us, uint64_t every_us,
	                                   void (*cb)(struct t3ops_ctx *ctx, void *arg), void *arg);
	void (*timer_stop)(struct t3ops_ctx *ctx, struct t3ops_timer *t);

	/* HTTP.  Returns an id (never 0) whose cb comes exactly once, unless cancelled. */
	uint64_t (*fetch)(struct t3ops_ctx *ctx, const struct t3ops_fetch *f, t3ops_fetch_cb cb, void *arg);
	void (*fetch_cancel)(struct t3ops_ctx *ctx, uint64_t id);
	/* What a leg reports (enum t3ops_reason): of an error of t3ops_fetched with the step it happened at, and of a
	 * status that was not the expected one (a redirect is a login page in the way). */
	uint32_t (*fetch_reason)(struct t3ops_ctx *ctx, int error, uint32_t step);
	uint32_t (*status_reason)(struct t3ops_ctx *ctx, int status);

	/* A named command of the config for a user of the table (proxy and jobs processes). */
	uint64_t (*command)(struct t3ops_ctx *ctx, const char *command, const char *user, t3ops_ran_cb cb, void *arg);

	/* Users. */
	bool (*user_find)(struct t3ops_ctx *ctx, const char *name, struct t3ops_user *out);

	/* Services between plugins of one process.  provide: in init; the table must live until stop.
	 * service: from start on; NULL if nobody provides it. */
	int (*provide)(struct t3ops_ctx *ctx, const char *service, const void *table);
	const void *(*service)(struct t3ops_ctx *ctx, const char *service);

	/* --- proxy only; r is stale after the exchange ended: readers return NULL or false --- */
	const char *(*request_method)(struct t3ops_ctx *ctx, t3ops_request_id r);
	const char *(*request_target)(struct t3ops_ctx *ctx, t3ops_request_id r); /* path and query, as sent */
	const char *(*request_header)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name); /* first value */
	bool (*request_is_upgrade)(struct t3ops_ctx *ctx, t3ops_request_id r);                      /* WebSocket */
	bool (*request_user)(struct t3ops_ctx *ctx, t3ops_request_id r,
	                     struct t3ops_user *out); /* false: anonymous */
	/* Replace a header on the way to the instance; value NULL removes it. */
	int (*request_set_header)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value);
	/* Add a header to the answer, whoever makes it (a 101 included). */
	int (*request_add_response_header)(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name,
	                                   const char *value);
	/* Answer it here.  headers: "Name: value", NULL-terminated, may be NULL; lengths and framing are ours. */
	int (*request_respond)(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *const *headers,
	                       const void *body, size_t len);
	/* Answer with a page a person understands (or JSON where the client asked for that). */
	int (*request_explain)(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *title,
	                       const char *text);
	/* After T3OPS_WAIT: go on with the next plugin. */
	void (*request_resume)(struct t3ops_ctx *ctx, t3ops_request_id r);
	/* Become the WebSocket's server side.  The exchange is over; ws_* go on.  NULL: it is none, there is no
	 * memory, or the handshake is faulty, and then answered already. */
	struct t3ops_ws *(*request_accept_ws)(struct t3ops_ctx *ctx, t3ops_request_id r,
	                                      const struct t3ops_ws_handler *h, void *arg);

	/* --- WebSocket, proxy (server side) and legs (client side) --- */
	struct t3ops_ws *(*ws_open)(struct t3ops_ctx *ctx, const struct t3ops_ws_open *o,
	                            const struct t3ops_ws_handler *h,
	                            void *arg); /* legs only; NULL only without memory */
	/* 0: queued.  Else nothing of it is sent: -EPIPE and -ENOTCONN, it is closing; -ENOBUFS (proxy), the other
	 * side does not take what waits for it already, 16 of the handler's largest messages. */
	int (*ws_send)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len);
	/* Send a close frame, then end.  ws is gone for the plugin at once; no on_end follows. */
	void (*ws_close)(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code);

	/* --- legs only: what a leg tells the process; the process owns heartbeats, watchdog and back-off --- */
	const struct t3ops_user *(*leg_user)(struct t3ops_ctx *ctx, struct t3ops_leg *leg); /* NULL unless PER_USER */
	void (*leg_set)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, void *state); /* the plugin's own, per leg */
	void *(*leg_get)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	/* This attempt reached `step`: everything before it worked (call in ascending order). */
	void (*leg_reached)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t step);
	/* Established. */
	void (*leg_up)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	/* The heartbeat asked for by leg_ping was answered. */
	void (*leg_pong)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t rtt_us);
	/* It ended, or the attempt failed.  The process calls leg_close, then leg_open after its back-off. */
	void (*leg_down)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end);
	/* The resolver answered or failed while the connection lives: evidence for or against "dns". */
	void (*leg_resolver)(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool ok, const char *text);

	/* --- jobs only, inside run --- */
	/* A fact of this run: goes into its event and the log as key=value. */
	void (*report)(struct t3ops_ctx *ctx, const char *key, const char *fmt, ...) T3OPS_PRINTF(3, 4);
	/* Lets timers, fetches and commands go on, and their callbacks come, until one sets *done or timeout_us have
	 * passed.  0, or -ETIMEDOUT. */
	int (*wait)(struct t3ops_ctx *ctx, const bool *done, uint64_t timeout_us);

	/* --- since ABI 1.1, proxy only --- */
	/* Writes the client's address, as a trusted proxy tells it, else the peer's.  False: r is stale, out is "".
	 */
	bool (*request_address)(struct t3ops_ctx *ctx, t3ops_request_id r, char *out, size_t size);
};

/* ---- the descriptor -------------------------------------------------------------------- */

struct t3ops_plugin {
	/* The head never moves. */
	uint32_t magic;
	uint16_t abi_major, abi_minor;
	uint32_t struct_size; /* of this struct, as the plugin was compiled */
	uint32_t option_size; /* of one struct t3ops_option */
	uint32_t metric_size; /* of one struct t3ops_metric */
	/* End of the head. */
	uint32_t roles; /* enum t3ops_role, one or several; 0 if it only provides a service */
	const char *name, *version, *summary;
	/* Names of services, separated by spaces; NULL or "": none.  A plugin is loaded in the processes of its
	 * roles and, besides, wherever a plugin that is loaded there needs a service that it provides; there only
	 * its init, start, stop and the service are called. */
	const char *provides; /* what init registers with host->provide */
	const char *needs;    /* what start expects from host->service; the configuration is refused without it */
	const struct t3ops_option *options;
	uint32_t n_options;
	uint32_t n_metrics;
	const struct t3ops_metric *metrics;

	/* Read options, allocate.  Not 0: the process does not start; log why first. */
	int (*init)(struct t3ops_ctx *ctx);
	int (*start)(struct t3ops_ctx *ctx);
	void (*stop)(struct t3ops_ctx *ctx); /* release everything */

	/* request */
	enum t3ops_next (*on_request)(struct t3ops_ctx *ctx, t3ops_request_id r);

	/* leg */
	uint32_t leg_flags; /* enum t3ops_leg_flags */
	uint32_t leg_reserved;
	const char *leg_segments; /* default of the option `segments`, "" : required */
	const char *leg_edge;     /* default of the option `edge`: the segment that ends TCP and TLS */
	const char *leg_resolver; /* default of `resolver_segments`; NULL or "": it looks no name up */
	void (*leg_open)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);
	void (*leg_ping)(struct t3ops_ctx *ctx, struct t3ops_leg *leg);  /* only while up */
	void (*leg_close)(struct t3ops_ctx *ctx, struct t3ops_leg *leg); /* release what leg_open took */

	/* job: in a process of its own, as the user's owner where t3ops is root.  May block.
	 * 0, or negative errno after report("error", ...). */
	int (*run)(struct t3ops_ctx *ctx, const struct t3ops_user *user);

	/* watch */
	void (*on_event)(struct t3ops_ctx *ctx, const struct t3ops_event *e);
};

/* Opens the one exported symbol:  T3OPS_PLUGIN(probe_echo) = { T3OPS_HEAD, .roles = ..., ... }; */
#define T3OPS_PLUGIN(id)                                                                                             \
	T3OPS_EXPORT extern const struct t3ops_plugin t3ops_plugin_##id;                                             \
	const struct t3ops_plugin t3ops_plugin_##id
#define T3OPS_HEAD                                                                                                   \
	.magic = T3OPS_MAGIC, .abi_major = T3OPS_ABI_MAJOR, .abi_minor = T3OPS_ABI_MINOR,                            \
	.struct_size = sizeof(struct t3ops_plugin), .option_size = sizeof(struct t3ops_option),                      \
	.metric_size = sizeof(struct t3ops_metric)

#ifdef __cplusplus
}
#endif
#endif

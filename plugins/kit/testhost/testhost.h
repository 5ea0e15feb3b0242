/* SPDX-License-Identifier: MIT */
/*
 * <t3ops/testhost.h>: the daemon's side of <t3ops/plugin.h>, played for the tests of a plugin.  One process, one
 * plugin, no network, and a clock that stands still until testhost_advance moves it.
 *
 *   cc test_NAME.c NAME.c $(pkg-config --cflags --libs t3ops-testhost) -lcmocka
 *
 *   struct testhost *h = testhost_new(&t3ops_plugin_NAME, (const char *[]){"url=http://192.0.2.1/", NULL});
 *   struct t3ops_leg *leg = testhost_leg(h, NULL);
 *
 *   testhost_answer(h, NULL, &(struct testhost_answer){.status = 503});
 *   assert_int_equal(testhost_start(h), 0);
 *   testhost_leg_open(h, leg);
 *   testhost_advance(h, 10);
 *   assert_int_equal(testhost_leg_seen(leg)->reason, T3OPS_R_HTTP_STATUS);
 *   testhost_free(h);
 *
 * What the test asks for is answered by what it scripted before; what nobody scripted is not answered until its time
 * is up.  Callbacks of the plugin run inside the functions below, and answers come from testhost_advance alone: never
 * inside the call that asked for them, as in the daemon.
 *
 * What a plugin does against the contract (an answer to a heartbeat that nobody asked for, an option that it did not
 * declare) ends the program with one line, for the daemon ends such a process, too; or, where the daemon lives with
 * it, is kept for testhost_bugs.  So does a test that asks for what there is not.
 *
 * Pointers returned stay valid until testhost_free, unless a comment says otherwise.  Strings passed are copied.
 */
#ifndef T3OPS_TESTHOST_H
#define T3OPS_TESTHOST_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

struct testhost;

/* ---- the life of the plugin -------------------------------------------------------------------------- */

/* options: "NAME=VALUE", the value as an operator would write it, lists with spaces between the items;
 * NULL-terminated, may be NULL.  The rest have their defaults.  The options that t3ops adds to legs and jobs
 * (heartbeat, segments, at) are not for plugins, and so not for this. */
struct testhost *testhost_new(const struct t3ops_plugin *plugin, const char *const *options);
/* Stops the plugin, if it runs. */
void testhost_free(struct testhost *h); /* NULL is fine */

/* init, or its error; only for tests of init and check, for testhost_start does it. */
int testhost_init(struct testhost *h);
/* check, after init. */
int testhost_check(struct testhost *h);
/* init, unless that was done, and start; or the error of the first one that failed. */
int testhost_start(struct testhost *h);
/* As the daemon ends: leg_close of every leg that is open, stop, and then what is left of timers, fetches, commands
 * and WebSockets ends without its callback, what is left of watched descriptors is watched no longer, and not closed.
 */
void testhost_stop(struct testhost *h);
/* How many of these were left by the last stop.  That is allowed. */
size_t testhost_left(const struct testhost *h);
/* What the plugin did against the contract, a line each; "": nothing. */
const char *testhost_bugs(const struct testhost *h);

/* For the plugin's own functions: what its callbacks get. */
struct t3ops_ctx *testhost_ctx(struct testhost *h);

/* ---- time -------------------------------------------------------------------------------------------- */

/* Lets so many milliseconds pass: timers, answers and deadlines that are due by then come, in the order of their
 * times.  0: what is due now.  Descriptors that are ready are served, too. */
void testhost_advance(struct testhost *h, uint64_t ms);
uint64_t testhost_now_us(const struct testhost *h); /* as host->now_us; begins at 1000 s */
/* Waits, by the real clock, until a watched descriptor is ready, and serves those that are; false: after that many
 * real milliseconds none was.  For plugins with sockets of their own: what passes over loopback takes a moment. */
bool testhost_poll(struct testhost *h, int real_ms);

/* ---- the user table, services, secrets ---------------------------------------------------------------- */

/* A row of the user table; only name must be set. */
void testhost_user(struct testhost *h, const struct t3ops_user *user);
/* What host->service finds, as if another plugin provided it; table must live as long as h. */
void testhost_service(struct testhost *h, const char *service, const void *table);
/* What host->secret_load finds; NULL removes it. */
void testhost_secret(struct testhost *h, const char *user, const char *text);

/* ---- HTTP --------------------------------------------------------------------------------------------- */

struct testhost_answer {
	int error;                  /* as t3ops_fetched.error; 0: a response */
	uint32_t step;              /* enum t3ops_step at which that happened; 0: T3OPS_STEP_HTTP; -ENOENT: DNS */
	int status;                 /* of a response; 0: 200 */
	const char *body;           /* NULL: "" */
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	uint64_t after_ms;          /* how long it takes; beyond the fetch's timeout: -ETIMEDOUT instead */
	uint64_t certificate_until_us;
	unsigned times; /* how many fetches it answers; 0: all */
};

/* What fetches get whose URL begins with url; NULL: any.  The oldest answer that fits and is not used up is taken. */
void testhost_answer(struct testhost *h, const char *url, const struct testhost_answer *a);
/* From now on this name resolves, or does not: fetches and WebSockets to it fail at T3OPS_STEP_DNS.  All others
 * resolve. */
void testhost_resolves(struct testhost *h, const char *name, bool resolves);
size_t testhost_fetches(const struct testhost *h);  /* that were begun */
size_t testhost_fetching(const struct testhost *h); /* that are in progress */
/* The ith that was begun, with its strings, body and headers; NULL: there were fewer. */
const struct t3ops_fetch *testhost_fetch_at(const struct testhost *h, size_t i);

/* ---- WebSockets --------------------------------------------------------------------------------------- */

/* The newest one that has not ended, or NULL; gone when it ends. */
struct t3ops_ws *testhost_ws(struct testhost *h);
const struct t3ops_ws_open *testhost_ws_asked(const struct t3ops_ws *ws); /* of a client's; valid as long as ws */
/* Client side: everything before that step worked; all steps did, and it is open. */
void testhost_ws_step(struct t3ops_ws *ws, uint32_t step);
void testhost_ws_accept(struct t3ops_ws *ws);
/* A message, ping or pong (enum t3ops_ws_op) from the other side. */
void testhost_ws_receive(struct t3ops_ws *ws, int op, const void *data, size_t len);
/* It ends for that reason (enum t3ops_reason), with a close code, or an HTTP status, or 0.  ws is gone. */
void testhost_ws_end(struct t3ops_ws *ws, uint32_t reason, int code);

struct testhost_message {
	int op;
	const void *data; /* followed by a NUL that len does not count */
	size_t len;
};
size_t testhost_ws_sent(const struct testhost *h); /* messages that the plugin sent, over all WebSockets */
const struct testhost_message *testhost_ws_sent_at(const struct testhost *h, size_t i); /* NULL: there were fewer */
/* With which code the plugin closed the last one that it closed; 0: it closed none. */
int testhost_ws_close_code(const struct testhost *h);

/* ---- legs: the prober --------------------------------------------------------------------------------- */

enum testhost_leg_state {
	TESTHOST_LEG_PAUSED,  /* nothing is open: testhost_leg_open may come */
	TESTHOST_LEG_OPENING, /* leg_up or leg_down follows */
	TESTHOST_LEG_UP,
	TESTHOST_LEG_ENDED, /* leg_down came: testhost_advance calls leg_close, then it is paused */
};

/* What the plugin reported of a leg so far. */
struct testhost_leg_seen {
	enum testhost_leg_state state;
	uint32_t step; /* that the attempt reached */
	unsigned ups, pongs, downs;
	uint64_t rtt_us; /* of the last heartbeat */
	/* Of the last leg_down; step: end_step. */
	uint32_t end_step, reason;
	int code;
	char text[256];
	unsigned fresh_ups, fresh_downs;
	uint32_t fresh_step, fresh_reason; /* of the last leg_fresh_down */
	uint64_t fresh_us;                 /* of the last leg_fresh_up */
	unsigned larges;
	uint32_t large; /* the last fate, enum t3ops_large */
	unsigned resolver_ok, resolver_failed;
	uint64_t certificate_until_us;
	char location[64];        /* CF-Ray */
	struct t3ops_ws *carrier; /* as leg_carrier said; perhaps gone by now */
	uint32_t beat;            /* the last leg_beat, enum t3ops_beat; 0: none */
};

/* A leg; user: name of one of testhost_user, for a plugin with T3OPS_LEG_PER_USER, else NULL. */
struct t3ops_leg *testhost_leg(struct testhost *h, const char *user);
const struct testhost_leg_seen *testhost_leg_seen(const struct t3ops_leg *leg);
void testhost_leg_open(struct testhost *h, struct t3ops_leg *leg);
/* Asks for a heartbeat; only while it is up.  While one is out the daemon sends no other. */
void testhost_leg_ping(struct testhost *h, struct t3ops_leg *leg);
/* Asks for a fresh connection; only while it is up. */
void testhost_leg_fresh(struct testhost *h, struct t3ops_leg *leg, bool thorough);
/* The daemon's watchdog, or its end: leg_close without a leg_down. */
void testhost_leg_close(struct testhost *h, struct t3ops_leg *leg);

/* ---- requests: the proxy ------------------------------------------------------------------------------ */

struct testhost_request {
	const char *method, *target; /* NULL: GET, "/" */
	const char *const *headers;  /* "Name: value", NULL-terminated; may be NULL */
	const char *user;            /* name of one of testhost_user; NULL: nobody's */
	const char *identity;        /* whom the identity header names who is none of them; NULL: nobody */
	const char *address;         /* of the client; NULL: 192.0.2.1 */
	uint32_t site;               /* enum t3ops_site */
	bool upgrade;                /* to a WebSocket */
};

enum testhost_fate {
	TESTHOST_WAITING,   /* the plugin returned T3OPS_WAIT, and nothing followed yet */
	TESTHOST_PASSED,    /* goes to the user's t3 server */
	TESTHOST_RESPONDED, /* by the plugin */
	TESTHOST_DEADLINE,  /* by t3ops, with 503: nothing followed within 30 s */
	TESTHOST_WEBSOCKET, /* taken over */
	TESTHOST_FORWARDED, /* on_unauthorized left the 401 alone */
};

/* on_identity, if it has a user or identity, then on_request; the id is good until testhost_request_end. */
t3ops_request_id testhost_request(struct testhost *h, const struct testhost_request *r);
/* on_unauthorized: the t3 server answered 401 to one that was passed on. */
void testhost_request_unauthorized(struct testhost *h, t3ops_request_id r);
/* The client left, or the exchange is over: the id is stale. */
void testhost_request_end(struct testhost *h, t3ops_request_id r);
/* What became of it; until testhost_request_end. */
enum testhost_fate testhost_request_fate(const struct testhost *h, t3ops_request_id r);
int testhost_response_status(const struct testhost *h, t3ops_request_id r);       /* 0: none */
const char *testhost_response_body(const struct testhost *h, t3ops_request_id r); /* of a page: its text; "" */
/* A header of the response; NULL: none of that name. */
const char *testhost_response_header(const struct testhost *h, t3ops_request_id r, const char *name);
/* A header as it goes to the t3 server. */
const char *testhost_forwarded_header(const struct testhost *h, t3ops_request_id r, const char *name);

/* ---- jobs, actions, commands -------------------------------------------------------------------------- */

/* run for a user of testhost_user.  host->wait lets the clock run. */
int testhost_run(struct testhost *h, const char *user, bool requested);
/* act for a user; user NULL: act_whole.  arguments: "NAME=VALUE", NULL-terminated, may be NULL. */
int testhost_act(struct testhost *h, const char *user, const char *action, const char *const *arguments);
/* What the last run or action reported under that key; NULL: nothing. */
const char *testhost_reported(const struct testhost *h, const char *key);
size_t testhost_rows(const struct testhost *h); /* of report_row, of the last one */
const char *testhost_row(const struct testhost *h, size_t i, const char *key);

struct testhost_ran {
	int error, exit_code; /* as in t3ops_ran */
	const char *out;      /* NULL: "" */
	uint64_t after_ms;
	unsigned times; /* how many runs it answers; 0: all */
};
/* What host->command gets of that command section.  One that nobody scripted: -ENOENT. */
void testhost_command(struct testhost *h, const char *command, const struct testhost_ran *ran);
/* Who had what run: "COMMAND USER" of the ith; NULL: there were fewer. */
const char *testhost_command_at(const struct testhost *h, size_t i);

/* What host->request_action gets for that job section, from now on; error -ENOENT: there is none, as without this. */
void testhost_action(struct testhost *h, const char *job, int error, const char *text, const char *rows);
/* What was asked for: "JOB ACTION USER" of the ith; NULL: there were fewer. */
const char *testhost_action_at(const struct testhost *h, size_t i);

/* ---- events: the monitor ------------------------------------------------------------------------------ */

/* on_event; earlier: on_earlier.  Of e only kind must be set: texts that are NULL are "", and the time is now. */
void testhost_event(struct testhost *h, const struct t3ops_event *e);
void testhost_earlier(struct testhost *h, const struct t3ops_event *e);

/* ---- what the plugin said ------------------------------------------------------------------------------ */

struct testhost_said {
	int level;        /* of a log line or an option's fault, enum t3ops_level */
	int code;         /* of an event */
	const char *kind; /* event of a log line, kind of an event, option of a fault ("": of the section) */
	const char *user; /* of an event; "" */
	const char *text;
};

/* Log lines, events and faults of options; kind NULL: all of them, and i counts those of that kind.  NULL: there are
 * fewer. */
const struct testhost_said *testhost_logged(const struct testhost *h, const char *kind, size_t i);
const struct testhost_said *testhost_emitted(const struct testhost *h, const char *kind, size_t i);
const struct testhost_said *testhost_fault(const struct testhost *h, const char *kind, size_t i);

/* The value of a metric of the plugin's table, of a histogram how many were observed; labels: as many as it has, may
 * be NULL if it has none.  0: never touched. */
double testhost_metric(const struct testhost *h, const char *name, const char *const *labels);
/* The sum of what a histogram observed. */
double testhost_metric_sum(const struct testhost *h, const char *name, const char *const *labels);

#ifdef __cplusplus
}
#endif
#endif

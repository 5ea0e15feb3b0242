/* SPDX-License-Identifier: MIT */
/*
 * The played host, as its files share it.  What is allocated stays until testhost_free, so that whatever was returned
 * to a test stays readable; what has ended is marked so, and its use by the plugin is a bug that is told.
 */
#ifndef T3OPS_TESTHOST_HOST_H
#define T3OPS_TESTHOST_HOST_H

#include <sys/queue.h>

#include "testhost.h"

#define THE_END UINT64_MAX /* a time that never comes */

/* Something that comes at its time. */
struct testhost_due {
	TAILQ_ENTRY(testhost_due) link;
	uint64_t at_us;
	bool set;
	void (*fire)(struct testhost *h, struct testhost_due *d);
};

struct t3ops_instance {
	struct testhost *host;
};

/* Growing arrays of pointers. */
struct testhost_list {
	void **items;
	size_t n;
};

struct testhost_memory {
	SLIST_ENTRY(testhost_memory) link;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct testhost {
	struct t3ops_instance instance;
	struct t3ops_ctx ctx;
	struct t3ops_host services;
	const struct t3ops_plugin *plugin;
	SLIST_HEAD(, testhost_memory) memory;
	bool initialised, running; /* between init, start and stop */
	size_t left;
	char *bugs;

	uint64_t now_us;
	TAILQ_HEAD(, testhost_due) due; /* earliest first */
	uint64_t last_id;               /* of a fetch, command or request */

	struct testhost_list options, users, own_services, secrets;
	struct testhost_list timers, watches;
	struct testhost_list answers, names, fetches;
	struct testhost_list sockets, sent;
	int close_code;
	struct testhost_list legs, requests;
	struct testhost_list rans, commands, actions, asked_actions;
	struct testhost_list facts, rows; /* of a run: pairs; lists of pairs */
	struct testhost_list arguments;   /* of an action */
	bool requested;
	const struct t3ops_user *run_for; /* the user of a run in progress */
	struct testhost_list logged, emitted, faults, series;
};

/* A text by name. */
struct testhost_pair {
	const char *name, *value;
};

/* Zeroed, until testhost_free. */
void *testhost_alloc(struct testhost *h, size_t size);
const char *testhost_keep(struct testhost *h, const char *text); /* NULL: "" */
const char *testhost_keep_bytes(struct testhost *h, const void *bytes, size_t n);
/* A copy of a NULL-terminated list; NULL stays NULL. */
const char *const *testhost_keep_list(struct testhost *h, const char *const *list);
void testhost_list_add(struct testhost_list *l, void *item);
void testhost_list_fini(struct testhost_list *l);
struct testhost *testhost_of(const struct t3ops_ctx *ctx);
/* Keeps one line for testhost_bugs. */
void testhost_bug(struct testhost *h, const char *fmt, ...) T3OPS_PRINTF(2, 3);
/* What cannot go on: prints one line and aborts. */
_Noreturn void testhost_die(const struct testhost *h, const char *fmt, ...) T3OPS_PRINTF(2, 3);
/* The value of "Name: value" in a NULL-terminated list; NULL: there is none. */
const char *testhost_header_find(const char *const *headers, const char *name, size_t nth);

#endif

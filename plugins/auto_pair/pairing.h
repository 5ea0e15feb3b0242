/* SPDX-License-Identifier: MIT */
/*
 * Pairing with a t3: mint a credential, exchange it for a session cookie, ask whether a cookie lives.
 * This is the "pairing" service; the requests of browsers are auto_pair.c's.
 *
 *   pair -> (mint running: wait for it) | mint -> endpoint 1 -404-> endpoint 2 ... -> answer to all
 */
#ifndef T3OPS_PLUGINS_AUTO_PAIR_PAIRING_H
#define T3OPS_PLUGINS_AUTO_PAIR_PAIRING_H

#include <sys/queue.h>

#include "plugin.h"

#define COOKIE_NAME_SIZE 96

/* Rows of the plugin's metric table. */
enum { METRIC_PAIR, METRIC_PAIR_SECONDS, METRIC_LOOPS, METRIC_SHARED };

struct waiter;
struct pending_check;

/* What is known of one user's instance. */
struct user_state {
	LIST_ENTRY(user_state) link;
	struct pairing *pairing;
	char name[64], host[48];
	uint16_t port;
	char cookie_name[COOKIE_NAME_SIZE];
	bool announced;               /* the instance has said its cookie's name */
	TAILQ_HEAD(, waiter) waiters; /* not empty: a mint or an exchange is under way */
	size_t n_waiters;
	char *body; /* of the exchange: holds the credential */
	size_t endpoint;
	uint64_t started_us, failed_us;
	uint32_t failed_result;
};

struct pairing {
	struct t3ops_ctx *ctx;
	struct t3ops_pairing service;
	LIST_HEAD(, user_state) user_states;
	LIST_HEAD(, pending_check) pending_checks;
	uint64_t exchange_us, check_us;
	const char *command;
};

void pairing_init(struct pairing *p, struct t3ops_ctx *ctx);
void pairing_fini(struct pairing *p);

void pairing_pair(struct pairing *p, const struct t3ops_user *user, t3ops_paired_cb cb, void *arg);
/* The user's row; NULL without memory. */
struct user_state *pairing_user_state(struct pairing *p, const struct t3ops_user *user);
/* "ok", "mint_failed", ... as in the metrics. */
const char *pair_result_label(uint32_t result);

#endif

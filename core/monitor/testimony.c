/* SPDX-License-Identifier: MIT */
/* Telling another t3ops what legs see; see testimony.h. */
#include "monitor/testimony.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "monitor/http_answer.h"
#include "monitor/query.h"
#include "options/parse.h"
#include "sys/buf.h"
#include "sys/clock.h"
#include "sys/secret_file.h"

#define HOLD_US       UINT64_C(5000000) /* then the answer is that nothing happened */
#define LOOK_S        0.25
#define WAITERS_MAX   8
#define CHALLENGE_HEX 32
#define MAC_HEX       64

struct waiter {
	LIST_ENTRY(waiter) link;
	struct local_conn *conn;
	char leg[NAME_MAX_BYTES + 1], challenge[CHALLENGE_HEX + 1];
	uint64_t asked_us;
};

struct testimonies {
	struct ev_loop *loop;
	bool has_key;
	unsigned char key[SECRET_DIGEST_BYTES];
	LIST_HEAD(, waiter) waiters;
	size_t n;
	struct ev_timer look; /* while somebody waits */
};

/* ---- the MAC ------------------------------------------------------------------------------------------- */

static void mac_make(const struct testimonies *t, const char *text, size_t len, char out[MAC_HEX + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (HMAC(EVP_sha256(), t->key, sizeof t->key, (const unsigned char *)text, len, mac, &n) == NULL)
		abort(); /* without memory */
	for (unsigned i = 0; i < n; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", mac[i]);
}

static bool is_hex(const char *text, size_t n)
{
	return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

static bool question_is_genuine(const struct testimonies *t, const struct waiter *w, const char *mac)
{
	char text[128], own[MAC_HEX + 1];
	int n = snprintf(text, sizeof text, "t3ops-question 1\n%s\n%s\n", w->challenge, w->leg);

	mac_make(t, text, (size_t)n, own);
	return is_hex(mac, MAC_HEX) && CRYPTO_memcmp(mac, own, MAC_HEX) == 0;
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static const char *kind_name(const struct event *e)
{
	switch (e != NULL ? e->kind : EVENT_KINDS) {
	case EVENT_LEG_UP:
		return "up";
	case EVENT_LEG_ALIVE:
		return "alive";
	case EVENT_LEG_DOWN:
		return "down";
	case EVENT_LEG_ATTEMPT:
		return "attempt";
	default:
		return "none";
	}
}

static void refuse(struct local_conn *c, int status, const char *text)
{
	struct http_answer p = {.status = status};

	http_answer_text(&p, status, text);
	http_answer_send(c, &p, true);
}

static void waiter_unlink(struct testimonies *t, struct waiter *w)
{
	LIST_REMOVE(w, link);
	t->n--;
	if (t->n == 0)
		ev_timer_stop(t->loop, &t->look);
}

/* e: NULL: nothing happened. */
static void waiter_answer(struct testimonies *t, struct waiter *w, const struct event *e)
{
	static const struct event nothing = {.kind = EVENT_KINDS};
	const struct event *what = e != NULL ? e : &nothing;
	char text[512], mac[MAC_HEX + 1];
	struct http_answer p = {.status = 200};
	int n = snprintf(text, sizeof text,
	                 "t3ops-testimony 1\nchallenge %s\nleg %s\nkind %s\nheld_us %llu\nwaited_us %llu\nstep %u\n"
	                 "reason %u\ncode %u\ncolo %s\n",
	                 w->challenge, w->leg, kind_name(e), (unsigned long long)(clock_mono_us() - w->asked_us),
	                 (unsigned long long)what->rtt_us, what->step, what->reason, what->code,
	                 what->colo[0] != '\0' ? what->colo : "-");

	mac_make(t, text, (size_t)n, mac);
	snprintf(text + n, sizeof text - (size_t)n, "mac %s\n", mac);
	http_answer_text(&p, 200, text);
	waiter_unlink(t, w); /* the connection may end at once */
	local_hold(w->conn, false);
	http_answer_send(w->conn, &p, true);
	free(w);
}

static void on_look(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct testimonies *t = timer->data;
	uint64_t now = clock_mono_us();
	struct waiter *w, *next;

	(void)loop, (void)revents;
	for (w = LIST_FIRST(&t->waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		if (now >= w->asked_us + HOLD_US)
			waiter_answer(t, w, NULL);
	}
}

/* ---- questions ----------------------------------------------------------------------------------------- */

/* Who asks too often, or repeats what others asked, shortens how long they wait, and keeps nobody out. */
static void room_make(struct testimonies *t)
{
	struct waiter *w, *oldest = NULL;

	LIST_FOREACH (w, &t->waiters, link)
		oldest = w;
	if (t->n >= WAITERS_MAX && oldest != NULL)
		waiter_answer(t, oldest, NULL);
}

static void waiter_add(struct testimonies *t, struct local_conn *c, const struct waiter *question)
{
	struct waiter *w = malloc(sizeof *w);

	if (w == NULL) {
		refuse(c, 503, "Out of memory.\n");
		return;
	}
	room_make(t);
	*w = *question;
	w->conn = c;
	w->asked_us = clock_mono_us();
	LIST_INSERT_HEAD(&t->waiters, w, link);
	if (t->n++ == 0)
		ev_timer_again(t->loop, &t->look);
	local_hold(c, true);
}

void testimonies_ask(struct testimonies *t, struct local_conn *c, const char *query)
{
	char mac[MAC_HEX + 2];
	struct waiter w;

	query_text(query, "leg", w.leg, sizeof w.leg);
	query_text(query, "challenge", w.challenge, sizeof w.challenge);
	query_text(query, "mac", mac, sizeof mac);
	if (!t->has_key)
		refuse(c, 404, "Nobody is told: vantage_key_file is not set.\n");
	else if (!name_valid(w.leg, NAME_MAX_BYTES) || !is_hex(w.challenge, CHALLENGE_HEX))
		refuse(c, 400, "Expected leg=NAME, challenge= of 32 and mac= of 64 hexadecimal digits.\n");
	else if (!question_is_genuine(t, &w, mac))
		refuse(c, 403, "Not by the key of vantage_key_file.\n");
	else
		waiter_add(t, c, &w);
}

void testimonies_event(struct testimonies *t, const struct event *e)
{
	struct waiter *w, *next;

	if (e->user[0] != '\0' || strcmp(kind_name(e), "none") == 0)
		return;
	for (w = LIST_FIRST(&t->waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		if (strcmp(w->leg, e->plugin) == 0)
			waiter_answer(t, w, e);
	}
}

void testimonies_forget(struct testimonies *t, const struct local_conn *c)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&t->waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		if (w->conn != c)
			continue;
		waiter_unlink(t, w);
		free(w);
	}
}

/* ---- start and stop ------------------------------------------------------------------------------------ */

struct testimonies *testimonies_new(struct ev_loop *loop, const char *key)
{
	struct testimonies *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->loop = loop;
	t->has_key = key[0] != '\0';
	LIST_INIT(&t->waiters);
	ev_timer_init(&t->look, on_look, 0., LOOK_S);
	t->look.data = t;
	if (t->has_key && !secret_digest_parse(key, t->key)) {
		free(t);
		errno = EINVAL;
		return NULL;
	}
	return t;
}

void testimonies_free(struct testimonies *t)
{
	if (t == NULL)
		return;
	while (!LIST_EMPTY(&t->waiters))
		waiter_answer(t, LIST_FIRST(&t->waiters), NULL);
	OPENSSL_cleanse(t->key, sizeof t->key);
	free(t);
}

/* SPDX-License-Identifier: MIT */
/*
 * One HTTP transfer of fetch.c: its libcurl handle, the answer as it grows, and what its end
 * means.  It knows no loop.  For fetch.c only.
 */
#ifndef T3OPS_NET_FETCH_TRANSFER_H
#define T3OPS_NET_FETCH_TRANSFER_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "net/fetch_callbacks.h"

struct transfer {
	TAILQ_ENTRY(transfer) link;
	uint64_t id;
	uint64_t round;    /* fetch.c's, while done */
	uint32_t reported; /* the last step that fetch.c reported, 0: none */
	fetch_step_cb on_step;
	fetch_done_cb cb;
	void *arg;

	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char *body;
	size_t body_len, body_size, max_body;
	size_t head_bytes;
	uint32_t step; /* enum t3ops_step it has come to; it only rises */
	bool too_big;
	int refused; /* negative errno: what was asked for cannot be sent at all */
	CURLcode code;
	char error[CURL_ERROR_SIZE];
};
TAILQ_HEAD(transfers, transfer);

/* Never NULL; t->refused says why it must not be given to libcurl. */
struct transfer *transfer_new(const struct t3ops_fetch *what);
void transfer_free(struct transfer *t);
/* Calls cb with what became of it; t->code is set. */
void transfer_report(struct transfer *t);

#endif

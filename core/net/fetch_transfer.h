/* SPDX-License-Identifier: MIT */
/*
 * One HTTP transfer of fetch.c: its libcurl handle, the answer as it grows, and what its end
 * means.  It knows no loop.  For fetch.c only.
 */
#ifndef T3OPS_NET_FETCH_TRANSFER_H
#define T3OPS_NET_FETCH_TRANSFER_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "net/dial.h"
#include "net/fetch_callbacks.h"

struct transfer {
	TAILQ_ENTRY(transfer) link;
	uint64_t id;
	uint64_t round;    /* fetch.c's, while done */
	uint32_t reported; /* the last step that fetch.c reported, 0: none */
	fetch_step_cb on_step;
	fetch_done_cb cb;
	void *arg;

	struct fetcher *fetcher;
	struct dial dial;
	uint64_t dialled_us; /* when that began */

	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char *body;
	size_t body_len, body_size, max_body;
	size_t head_bytes;
	uint32_t step; /* enum t3ops_step it has come to; it only rises */
	bool too_big;
	int refused; /* negative errno: what was asked for cannot be sent at all */
	CURLcode code;
	bool ready_made; /* its connection is made by a dial, and given to libcurl */
	int fd;          /* that connection until libcurl takes it; -1 */
	bool at_path;    /* the dial found the right one at a Unix socket: libcurl connects there itself */
	int path_fd;     /* with this */
	int dial_error;  /* negative errno: why there is none */
	uint64_t limit_us, connect_limit_us; /* of the whole, and of the connection */
	char error[CURL_ERROR_SIZE];
	bool untimely;             /* its certificate is refused for its dates */
	bool looking;              /* transfer_look was called, */
	bool asking;               /* connected once more, and asked what time it is there, */
	bool clock;                /* and found that this machine's clock may be wrong */
	char why[CURL_ERROR_SIZE]; /* looking: what was wrong with it */
};
TAILQ_HEAD(transfers, transfer);

/* Never NULL; t->refused says why it must not be given to libcurl. */
struct transfer *transfer_new(const struct t3ops_fetch *what);
void transfer_free(struct transfer *t);
/* Whether a connection to a Unix socket, which libcurl has made, is to whom the dial found there: before anything is
 * sent. */
bool transfer_peer_is_right(const struct transfer *t);
/* It goes over this connection, which is the transfer's from then on, and over no other; spent_us of its time are
 * over. */
void transfer_use(struct transfer *t, int fd, uint64_t spent_us);
/* Whether the certificate was refused for its dates alone, and nobody has looked yet whose clock is right; the code
 * is set. */
bool transfer_is_untimely(struct transfer *t);
/* Its certificate was refused: it is made ready to connect once more, unchecked, for what is shown; if that is
 * untimely, to ask for nothing but the time there.  Of its request nothing is sent. */
void transfer_look(struct transfer *t);
/* After that: whether this machine's clock may be what is wrong; t->error says so. */
bool transfer_blames_clock(struct transfer *t);
/* Calls cb with what became of it; t->code, or t->dial_error, is set. */
void transfer_report(struct transfer *t);

#endif

/* SPDX-License-Identifier: MIT */
/* One question over HTTP or a WebSocket, on the way that a leg takes.  Blocks; libcurl. */
#ifndef T3OPS_CTL_REACH_H
#define T3OPS_CTL_REACH_H

#include <stdbool.h>
#include <time.h>

struct reach_way {            /* each "" or NULL for none */
	const char *address;  /* connect there instead: ADDRESS or ADDRESS:PORT */
	const char *resolver; /* DNS over HTTPS */
	const char *ca_file;
	const char *interface; /* device or source address */
	const char *socket;    /* a Unix socket instead of an address */
	const char *find;      /* a short text that is looked for in the whole body */
};

struct reach_answer {
	long status; /* 0: none came, see why */
	char why[256];
	char ip[64]; /* where it was tried, "" if the name led nowhere */
	char port[8];
	char location[512]; /* of a redirect, as a whole URL */
	char body[65536];   /* its beginning: key sets are long */
	bool found;         /* way.find was in the body */
	time_t date;        /* of the Date header; 0: none */
};

/* header: one more line of the request, NULL for none. */
void reach_get(const char *url, const struct reach_way *way, const char *header, unsigned timeout_ms,
               struct reach_answer *a);
/* An upgrade; status 101 if it was accepted. */
void reach_websocket(const char *url, const struct reach_way *way, unsigned timeout_ms, struct reach_answer *a);

#endif

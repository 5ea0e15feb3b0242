/* SPDX-License-Identifier: MIT */
/*
 * One line a request, request_done, if the option access_log wants it.  Two letters say who ended the request, and
 * in which phase; -- is one that ended as it should.  No query string, no cookie and no credential is in it.  Proxy.
 */
#ifndef T3OPS_PROXY_ACCESS_LOG_H
#define T3OPS_PROXY_ACCESS_LOG_H

#include <stdint.h>

#include "net/request_validation.h"

struct peer;
struct request;
struct worker;

/* Who. */
#define BLAME_CLIENT      'C' /* closed or reset its connection */
#define BLAME_CLIENT_LATE 'c' /* sent, or took, nothing for too long */
#define BLAME_SERVER      'S' /* the t3 server refused, closed, reset, or broke the protocol */
#define BLAME_SERVER_LATE 's' /* sent nothing for too long, or could not be connected to in time */
#define BLAME_PROXY       'P' /* t3ops turned it away, or could not go on */
#define BLAME_LOCAL       'L' /* t3ops or a plugin answered it, as it should */

/* In which phase. */
#define PHASE_REQUEST    'R' /* head or body of the request were read */
#define PHASE_FILTER     'F' /* the plugins' turn, and the choice of the t3 server */
#define PHASE_CONNECTION 'C' /* a connection to the t3 server was made, or it was starting */
#define PHASE_HEAD       'H' /* the head of the response was waited for */
#define PHASE_DATA       'D' /* the response was passed on */

struct access_record {
	int status;         /* 0: none was sent */
	const char *reason; /* of a rejection, else NULL */
	char who, phase;    /* 0: nobody; it ended as it should */
	uint64_t bytes_up, bytes_down;
	uint64_t first_byte_us; /* 0: the t3 server sent no response */
};

void access_log_write(struct worker *worker, const struct request *r, const struct access_record *a);
/* Of what is not even a request. */
void access_log_unread(struct worker *worker, const struct peer *peer, enum reject_reason why);

#endif

/* SPDX-License-Identifier: MIT */
/* Accepts clients' connections on the proxy's listeners, and pauses while descriptors run short.  Proxy. */
#ifndef T3OPS_PROXY_ACCEPTOR_H
#define T3OPS_PROXY_ACCEPTOR_H

struct worker;

/* Starts accepting (worker->acceptors).  NULL without memory. */
struct acceptors *acceptors_new(struct worker *worker);
/* Accepts no more; the listeners are closed: what waits there is for others. */
void acceptors_close(struct acceptors *all);
void acceptors_free(struct acceptors *all); /* the listeners stay open */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * HTTP transfers on a libev loop: libcurl's multi interface.  One object a process.  Redirects are
 * never followed; the system resolver is used in a thread of libcurl's unless the URL holds a
 * numeric address or connect_to gives one.  Environment proxies are ignored.
 *
 * What t3ops_fetched.error says, beside the step that failed:
 *
 *   -EINVAL        the URL or a header cannot be sent           -ENOENT     the name does not resolve
 *   -ECONNREFUSED  -EHOSTUNREACH -ENETUNREACH  as connect(2)    -ETIMEDOUT  a limit passed, whichever step
 *   -ECONNRESET    reset                                        -ENODATA    closed before the answer was whole
 *   -EKEYREJECTED  the certificate is not to be trusted         -EPROTO     neither TLS nor HTTP as it must be
 *   -EKEYEXPIRED   it is not valid now by this machine's clock, but by the server's own, or that is not told
 *   -EFBIG         the answer is larger than max_body           -EADDRNOTAVAIL  no such interface here
 *   and what net/dial.h says of a dial, at T3OPS_STEP_CONNECT
 */
#ifndef T3OPS_NET_FETCH_H
#define T3OPS_NET_FETCH_H

#include <ev.h>
#include <stdint.h>

#include "net/fetch_callbacks.h"
#include "net/fetch_way.h"

struct fetcher;

struct fetcher *fetcher_new(struct ev_loop *loop); /* NULL without memory */
void fetcher_free(struct fetcher *f);              /* cancels what runs; NULL is fine, also inside a callback */

/* Id, never 0; a transfer that cannot even start still answers through cb, later.  `what` is
 * copied.  cb comes from the loop, never from inside fetch_start, and may start and cancel. */
/* on_step, unless NULL, comes before cb: once for each step (enum t3ops_step) that is reached, in ascending order, so
 * that everything before it worked; steps passed at once are reported as the last of them. */
/* way: NULL: to where the URL says. */
uint64_t fetch_start(struct fetcher *f, const struct t3ops_fetch *what, const struct fetch_way *way,
                     fetch_step_cb on_step, fetch_done_cb cb, void *arg);
void fetch_cancel(struct fetcher *f, uint64_t id); /* a stale id is fine; cb will not come */

#endif

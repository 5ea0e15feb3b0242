/* SPDX-License-Identifier: MIT */
/* One line a request; see access_log.h. */
#include "proxy/access_log.h"

#include <string.h>

#include "obs/log.h"
#include "proxy/request.h"
#include "proxy/worker.h"

#define TEXT_SIZE 1024 /* of a path; the rest is cut */

/* Not more than a quarter longer once it is written, with its escapes: what does not fit a line is left out whole,
 * and nobody may have their path left out. */
static void text_take(char *out, size_t size, struct span s)
{
	size_t len = s.len < size ? s.len : size - 1;

	memcpy(out, s.at ? s.at : "", len);
	for (out[len] = '\0'; kv_quote(NULL, 0, out) > size + size / 4; out[len] = '\0')
		len -= len / 8 + 1;
}

static void line_write(bool json, const struct request *r, const struct access_record *a)
{
	const struct http_field *agent = http_field_find(&r->head, "user-agent", 0);
	const char termination[] = {a->who ? a->who : '-', a->who ? a->phase : '-', '\0'};
	char method[32], path[TEXT_SIZE], user_agent[256];
	const struct kv pairs[] = {
	    kv_client(r->address[0] != '\0' ? r->address : r->peer.address),
	    kv_user(r->has_user ? r->user.name : NULL),
	    kv_identity(r->has_user ? NULL : r->identity),
	    kv_method(method),
	    kv_url_path(path),
	    kv_http_version(r->head.method.len == 0 ? NULL
	                    : r->head.minor == 0    ? "1.0"
	                                            : "1.1"),
	    a->status > 0 ? kv_http_status(a->status) : kv_none(),
	    kv_termination(termination),
	    kv_reason(a->reason),
	    kv_bytes_up((int64_t)a->bytes_up),
	    kv_bytes_down((int64_t)a->bytes_down),
	    a->first_byte_us > 0 ? kv_first_byte_ms(a->first_byte_us) : kv_none(),
	    kv_duration_ms(clock_mono_us() - r->started_us),
	    kv_user_agent(user_agent),
	};

	text_take(method, sizeof method, r->head.method);
	text_take(path, sizeof path, r->path);
	text_take(user_agent, sizeof user_agent, agent ? agent->value : (struct span){"", 0});
	log_pairs_always(json, "request_done", pairs, sizeof pairs / sizeof pairs[0]);
}

void access_log_write(struct worker *worker, const struct request *r, const struct access_record *a)
{
	if (worker->conf.access_log != ACCESS_LOG_OFF)
		line_write(worker->conf.access_log == ACCESS_LOG_JSON, r, a);
}

void access_log_unread(struct worker *worker, const struct peer *peer, enum reject_reason why)
{
	const char termination[] = {why == REJECT_TIMEOUT ? BLAME_CLIENT_LATE : BLAME_PROXY, PHASE_REQUEST, '\0'};
	const struct kv pairs[] = {kv_client(peer->address), kv_http_status(reject_status(why)),
	                           kv_termination(termination), kv_reason(reject_label(why))};

	if (worker->conf.access_log != ACCESS_LOG_OFF)
		log_pairs_always(worker->conf.access_log == ACCESS_LOG_JSON, "request_done", pairs,
		                 sizeof pairs / sizeof pairs[0]);
}

/* SPDX-License-Identifier: MIT */
/*
 * Sends the records of one signal: in batches, one request at a time, again with back-off where the receiver may take
 * them later.  What is dropped is counted, and said in an event at most once a minute.
 *
 *   idle --record--> gathering --batch_delay, or a batch is full--> sending --taken, refused--> idle
 *                                                                     |   ^
 *                                                                 later   back-off
 *                                                                     v   |
 *                                                                    waiting
 */
#ifndef T3OPS_EXPORT_OTLP_SENDER_H
#define T3OPS_EXPORT_OTLP_SENDER_H

#include "export_otlp/otlp_json.h"
#include "plugin.h"

enum sender_metric { METRIC_RECORDS, METRIC_REQUESTS, METRIC_QUEUE_RECORDS, METRIC_QUEUE_BYTES };

/* What the senders of a section share; all borrowed. */
struct sender_rules {
	const char *url; /* of the receiver, without the signal's path */
	const char *const *headers;
	const char *resource;
	const char *ca_file;
	size_t batch, batch_bytes, queue_bytes;
	uint64_t batch_delay_us, timeout_us, max_backoff_us;
};

struct sender;

struct sender *sender_new(struct t3ops_ctx *ctx, enum otlp_signal signal, const struct sender_rules *rules);
/* What was not sent is kept for the next monitor. */
void sender_free(struct sender *s); /* NULL is fine */

/* Takes over the text; NULL counts as one that was dropped. */
void sender_add(struct sender *s, char *record);
/* Takes what an earlier monitor could not send. */
void sender_recall(struct sender *s);

#endif

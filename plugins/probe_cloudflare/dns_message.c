/* SPDX-License-Identifier: MIT */
/* DNS messages; see dns_message.h. */
#include "probe_cloudflare/dns_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEAD_BYTES   12
#define LABEL_MAX    63
#define NAME_MAX_    255
#define CLASS_IN     1
#define FLAG_ANSWER  0x80
#define FLAG_RECURSE 0x01

int dns_query_make(const char *name, enum dns_type type, uint8_t out[DNS_QUERY_MAX])
{
	size_t at = HEAD_BYTES, len = strlen(name);

	if (len == 0 || len > NAME_MAX_ - 2)
		return -EINVAL;
	memset(out, 0, HEAD_BYTES);
	out[2] = FLAG_RECURSE;
	out[5] = 1; /* one question */
	while (*name != '\0') {
		size_t label = strcspn(name, ".");

		if (label == 0 || label > LABEL_MAX)
			return -EINVAL;
		out[at++] = (uint8_t)label;
		memcpy(out + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	out[at++] = 0;
	out[at++] = 0;
	out[at++] = (uint8_t)type;
	out[at++] = 0;
	out[at++] = CLASS_IN;
	return (int)at;
}

/* A message and how far it is read; every reader checks its bounds here. */
struct reader {
	const uint8_t *bytes;
	size_t len, at;
	bool bad;
};

static unsigned u16_read(struct reader *r)
{
	if (r->bad || r->len - r->at < 2) {
		r->bad = true;
		return 0;
	}
	r->at += 2;
	return (unsigned)(r->bytes[r->at - 2] << 8 | r->bytes[r->at - 1]);
}

static void skip(struct reader *r, size_t n)
{
	if (r->bad || r->len - r->at < n)
		r->bad = true;
	else
		r->at += n;
}

/* Names are not compared: a pointer ends one (RFC 1035 4.1.4) and is not followed. */
static void name_skip(struct reader *r)
{
	while (!r->bad && r->at < r->len) {
		uint8_t label = r->bytes[r->at];

		if ((label & 0xc0) == 0xc0) {
			skip(r, 2);
			return;
		}
		if (label > LABEL_MAX)
			break;
		skip(r, 1u + label);
		if (label == 0)
			return;
	}
	r->bad = true;
}

static void record_read(struct reader *r, enum dns_type type, struct dns_answer *out)
{
	unsigned kind, class, len;
	size_t want = type == DNS_A ? 4 : 16;

	name_skip(r);
	kind = u16_read(r);
	class = u16_read(r);
	skip(r, 4); /* time to live */
	len = u16_read(r);
	if (r->bad || r->len - r->at < len) {
		r->bad = true;
		return;
	}
	if (kind == (unsigned)type && class == CLASS_IN && len == want && out->n < DNS_ADDRESSES_MAX)
		inet_ntop(type == DNS_A ? AF_INET : AF_INET6, r->bytes + r->at, out->addresses[out->n++],
		          INET6_ADDRSTRLEN);
	r->at += len;
}

int dns_answer_read(const void *bytes, size_t len, enum dns_type type, struct dns_answer *out)
{
	struct reader r = {.bytes = bytes, .len = len, .at = HEAD_BYTES};
	unsigned questions, answers;

	memset(out, 0, sizeof *out);
	if (len < HEAD_BYTES || !(r.bytes[2] & FLAG_ANSWER))
		return -EPROTO;
	out->rcode = r.bytes[3] & 0x0f;
	questions = (unsigned)(r.bytes[4] << 8 | r.bytes[5]);
	answers = (unsigned)(r.bytes[6] << 8 | r.bytes[7]);
	for (unsigned i = 0; i < questions && !r.bad; i++) {
		name_skip(&r);
		skip(&r, 4);
	}
	for (unsigned i = 0; i < answers && !r.bad; i++)
		record_read(&r, type, out);
	return r.bad ? -EPROTO : 0;
}

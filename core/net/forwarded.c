/* SPDX-License-Identifier: MIT */
/* Through which proxies it came; see forwarded.h. */
#include "net/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* ---- addresses --------------------------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool address_parse(struct span text, union address *out)
{
	char host[INET6_ADDRSTRLEN];

	*out = (union address){0};
	if (text.len == 0 || text.len >= sizeof host || memchr(text.at, '\0', text.len))
		return false;
	memcpy(host, text.at, text.len);
	host[text.len] = '\0';
	out->any.sa_family = AF_INET;
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1)
		return true;
	out->any.sa_family = AF_INET6;
	return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1;
}

/* ":4711", or of Forwarded ":_name" (RFC 7239 6.3). */
static bool is_port(struct span s)
{
	bool hidden = s.len > 1 && s.at[1] == '_';

	if (s.len < 2 || s.at[0] != ':' || (!hidden && s.len > 6) || (hidden && s.len == 2))
		return false;
	for (size_t i = hidden ? 2 : 1; i < s.len; i++) {
		char c = s.at[i];
		bool digit = c >= '0' && c <= '9';

		if (!digit && !(hidden && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || memchr("._-", c, 3))))
			return false;
	}
	return true;
}

/* The part of a node that is an address, and what follows it. */
static struct span node_split(struct span node, struct span *rest)
{
	const char *end = node.at + node.len, *colon = memchr(node.at, ':', node.len), *bracket;

	*rest = (struct span){end, 0};
	if (node.len > 0 && node.at[0] == '[') {
		bracket = memchr(node.at, ']', node.len);
		if (!bracket)
			return (struct span){node.at, 0};
		*rest = (struct span){bracket + 1, (size_t)(end - bracket - 1)};
		return (struct span){node.at + 1, (size_t)(bracket - node.at - 1)};
	}
	if (!colon || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
		return node;
	*rest = (struct span){colon, (size_t)(end - colon)};
	return (struct span){node.at, (size_t)(colon - node.at)};
}

static bool node_read(struct span node, union address *out)
{
	bool bracket = node.len > 0 && node.at[0] == '[';
	struct span rest, host;

	if (node.len == 0)
		return false;
	host = node_split(node, &rest);
	return (rest.len == 0 || is_port(rest)) && address_parse(host, out) &&
	       (!bracket || out->any.sa_family == AF_INET6);
}

bool forwarded_node_parse(struct span node, char out[FORWARDED_ADDRESS_SIZE])
{
	union address address;

	out[0] = '\0';
	if (node_read(node, &address))
		peer_name(&address.any, out, FORWARDED_ADDRESS_SIZE);
	return out[0] != '\0';
}

/* ---- the way back -------------------------------------------------------------------------------------- */

/* What is known after the elements so far. */
struct trail {
	const struct cidr_list *trusted;
	char address[FORWARDED_ADDRESS_SIZE]; /* of the client; "": none */
	struct span host;
};

/* An element, and what was asked for there.  One that is no trusted proxy may have invented all in front of it. */
static void trail_add(struct trail *t, struct span node, struct span host)
{
	union address address;
	bool known = node_read(node, &address);

	if (!known || !cidr_has(t->trusted, &address.any)) {
		t->address[0] = '\0';
		t->host = (struct span){0};
	}
	if (known && t->address[0] == '\0')
		peer_name(&address.any, t->address, sizeof t->address);
	if (!t->host.at)
		t->host = host;
}

static struct span blanks_cut(struct span s)
{
	while (s.len > 0 && (*s.at == ' ' || *s.at == '\t'))
		s.at++, s.len--;
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* ---- X-Forwarded-For --------------------------------------------------------------------------------------- */

/* Up to the next comma; *at moves on behind it. */
static struct span element_next(const char **at, const char *end)
{
	const char *from = *at, *comma = memchr(from, ',', (size_t)(end - from));

	*at = comma ? comma + 1 : end;
	return blanks_cut((struct span){from, (size_t)((comma ? comma : end) - from)});
}

static void x_line_add(struct trail *t, struct span value)
{
	const char *at = value.at, *end = value.at + value.len;

	while (at < end) {
		struct span element = element_next(&at, end);

		if (element.len > 0)
			trail_add(t, element, (struct span){0});
	}
}

void forwarded_for_find(const struct http_head *h, const struct cidr_list *trusted, char out[FORWARDED_ADDRESS_SIZE])
{
	struct trail t = {.trusted = trusted};

	for (size_t i = 0; i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, "x-forwarded-for"))
			x_line_add(&t, h->fields[i].value);
	memcpy(out, t.address, FORWARDED_ADDRESS_SIZE);
}

/* ---- Forwarded (RFC 7239 4) --------------------------------------------------------------------------------- */

/* A token, or a quoted string without its quotes.  False: neither, or one with escapes, which no node or host needs.
 */
static bool value_read(const char **at, const char *end, struct span *out)
{
	const char *from = *at, *to = from;

	if (from < end && *from == '"') {
		to = memchr(from + 1, '"', (size_t)(end - from - 1));
		if (!to || memchr(from, '\\', (size_t)(to - from)))
			return false;
		*out = (struct span){from + 1, (size_t)(to - from - 1)};
		*at = to + 1;
		return true;
	}
	while (to < end && http_is_token_char((unsigned char)*to))
		to++;
	*out = (struct span){from, (size_t)(to - from)};
	*at = to;
	return to > from;
}

static void blanks_skip(const char **at, const char *end)
{
	while (*at < end && (**at == ' ' || **at == '\t'))
		(*at)++;
}

/* Pairs up to a comma or the end.  False: not what RFC 7239 allows, or said twice. */
static bool pairs_read(const char **at, const char *end, struct span *node, struct span *host)
{
	struct span name, value;

	*node = *host = (struct span){0};
	for (blanks_skip(at, end); *at < end && **at != ','; blanks_skip(at, end)) {
		struct span *to;

		if (**at == ';') { /* an empty pair, or the end of one */
			(*at)++;
			continue;
		}
		if (**at == '"' || !value_read(at, end, &name) || *at == end || *(*at)++ != '=' ||
		    !value_read(at, end, &value))
			return false;
		to = span_is_nocase(name, "for") ? node : span_is_nocase(name, "host") ? host : NULL;
		if (to && to->at)
			return false;
		if (to)
			*to = value;
		blanks_skip(at, end);
		if (*at < end && **at != ';' && **at != ',')
			return false;
	}
	return true;
}

/* What cannot be read ends the line: where its elements begin is then unknown. */
static void line_add(struct trail *t, struct span value)
{
	const char *at = value.at, *end = value.at + value.len;
	struct span node, host;

	while (at < end) {
		const char *from = at;

		if (!pairs_read(&at, end, &node, &host)) {
			trail_add(t, (struct span){0}, (struct span){0});
			return;
		}
		if (at > from && blanks_cut((struct span){from, (size_t)(at - from)}).len > 0)
			trail_add(t, node, host);
		if (at < end)
			at++;
	}
}

static void trail_read(struct trail *t, const struct http_head *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, "forwarded"))
			line_add(t, h->fields[i].value);
}

void forwarded_find(const struct http_head *h, const struct cidr_list *trusted, char out[FORWARDED_ADDRESS_SIZE])
{
	struct trail t = {.trusted = trusted};

	trail_read(&t, h);
	memcpy(out, t.address, FORWARDED_ADDRESS_SIZE);
}

struct span forwarded_host_find(const struct http_head *h, const struct cidr_list *trusted)
{
	struct trail t = {.trusted = trusted};

	trail_read(&t, h);
	return t.host;
}

/* ---- fields with one value ------------------------------------------------------------------------------------ */

void forwarded_single_find(const struct http_head *h, const char *name, char out[FORWARDED_ADDRESS_SIZE])
{
	const struct http_field *f = http_field_find(h, name, 0);

	out[0] = '\0';
	if (f && http_field_count(h, name) == 1)
		forwarded_node_parse(f->value, out);
}

struct span forwarded_x_host_find(const struct http_head *h)
{
	struct span last = {0};

	for (size_t i = 0; i < h->n; i++) {
		const char *at = h->fields[i].value.at, *end = at + h->fields[i].value.len;

		while (span_is_nocase(h->fields[i].name, "x-forwarded-host") && at < end) {
			struct span element = element_next(&at, end);

			if (element.len > 0)
				last = element;
		}
	}
	return last;
}

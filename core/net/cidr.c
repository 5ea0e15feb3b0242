/* SPDX-License-Identifier: MIT */
/* Networks; see cidr.h. */
#include "net/cidr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* The first `bits` bits of a and b are equal. */
static bool prefix_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* Clears the bits beyond the prefix; true if there were any. */
static bool host_bits_clear(struct cidr *c)
{
	bool any = false;

	for (unsigned bit = c->bits; bit < 128; bit++) {
		unsigned char mask = (unsigned char)(0x80 >> bit % 8);

		any = any || (c->address[bit / 8] & mask);
		c->address[bit / 8] &= (unsigned char)~mask;
	}
	return any;
}

static bool bits_parse(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end != '\0' || n > max)
		return false;
	*out = (unsigned)n;
	return true;
}

enum cidr_result cidr_parse(const char *text, struct cidr *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char host[INET6_ADDRSTRLEN];
	unsigned offset = 0, max = 128;

	if (len >= sizeof host)
		return CIDR_INVALID;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, out->address + sizeof mapped) == 1) {
		memcpy(out->address, mapped, sizeof mapped);
		offset = 96;
		max = 32;
	} else if (inet_pton(AF_INET6, host, out->address) != 1) {
		return CIDR_INVALID;
	}
	out->bits = max;
	if (slash && !bits_parse(slash + 1, max, &out->bits))
		return CIDR_INVALID;
	out->bits += offset;
	return host_bits_clear(out) ? CIDR_HOST_BITS : CIDR_OK;
}

void cidr_text(const struct cidr *c, char *out, size_t size)
{
	bool v4 = memcmp(c->address, mapped, sizeof mapped) == 0 && c->bits >= 96;
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? c->address + sizeof mapped : c->address, host, sizeof host);
	snprintf(out, size, "%s/%u", host, v4 ? c->bits - 96 : c->bits);
}

enum cidr_result cidr_list_add(struct cidr_list *l, const char *text)
{
	struct cidr network;
	enum cidr_result r = cidr_parse(text, &network);

	if (r != CIDR_OK)
		return r;
	l->rows = reallocarray(l->rows, l->n + 1, sizeof *l->rows);
	if (!l->rows)
		abort(); /* at the start of a process */
	l->rows[l->n++] = network;
	return r;
}

void cidr_list_fini(struct cidr_list *l)
{
	free(l->rows);
	*l = (struct cidr_list){0};
}

static bool address_of(const struct sockaddr *peer, unsigned char out[16])
{
	if (peer->sa_family == AF_INET) {
		memcpy(out, mapped, sizeof mapped);
		memcpy(out + sizeof mapped, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
		return true;
	}
	if (peer->sa_family == AF_INET6)
		memcpy(out, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
	return peer->sa_family == AF_INET6;
}

bool cidr_has(const struct cidr_list *l, const struct sockaddr *peer)
{
	unsigned char address[16];

	if (!address_of(peer, address))
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (prefix_equal(l->rows[i].address, address, l->rows[i].bits))
			return true;
	return false;
}

void peer_name(const struct sockaddr *peer, char *out, size_t size)
{
	unsigned char address[16];
	const char *text = NULL;

	if (address_of(peer, address))
		text = memcmp(address, mapped, sizeof mapped) == 0
		           ? inet_ntop(AF_INET, address + sizeof mapped, out, (socklen_t)size)
		           : inet_ntop(AF_INET6, address, out, (socklen_t)size);
	if (!text)
		out[0] = '\0';
}

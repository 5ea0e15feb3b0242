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

static bool host_bits_are_zero(const struct cidr *c)
{
	for (unsigned bit = c->bits; bit < 128; bit++)
		if (c->address[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
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

bool cidr_parse(const char *text, struct cidr *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char host[INET6_ADDRSTRLEN];
	unsigned offset = 0, max = 128;

	if (len >= sizeof host)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, out->address + sizeof mapped) == 1) {
		memcpy(out->address, mapped, sizeof mapped);
		offset = 96;
		max = 32;
	} else if (inet_pton(AF_INET6, host, out->address) != 1) {
		return false;
	}
	out->bits = max;
	if (slash && !bits_parse(slash + 1, max, &out->bits))
		return false;
	out->bits += offset;
	return host_bits_are_zero(out);
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

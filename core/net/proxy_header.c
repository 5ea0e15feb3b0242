/* SPDX-License-Identifier: MIT */
/* Both versions; see proxy_header.h, and proxy-protocol.txt of haproxy. */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define V1_MAX      107 /* with its CRLF */
#define V2_HEAD     16  /* signature, version and command, family and protocol, length */
#define V2_VERSION  0x20
#define V2_LOCAL    0x00
#define V2_PROXY    0x01
#define V2_UNSPEC   0x00
#define V2_TCP4     0x11
#define V2_TCP6     0x21
#define V2_UNIX     0x31
#define V2_TCP4_LEN 12
#define V2_TCP6_LEN 36

static const char v1_signature[] = {'P', 'R', 'O', 'X', 'Y', ' '};
static const char v2_signature[] = {'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/* Whether bytes begin with it, as far as there are any. */
static bool begins(const char *bytes, size_t n, const char *signature, size_t len)
{
	return memcmp(bytes, signature, n < len ? n : len) == 0;
}

/* ---- version 1: a line ---------------------------------------------------------------------------------- */

/* Takes the next word off [*at, end), which a single space or the end follows; false: there is none, or it is too
 * long. */
static bool word_take(const char **at, const char *end, char *out, size_t size)
{
	const char *space = memchr(*at, ' ', (size_t)(end - *at)), *stop = space ? space : end;
	size_t len = (size_t)(stop - *at);

	if (len == 0 || len >= size)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at = space ? space + 1 : end;
	return strlen(out) == len;
}

static bool port_take(const char **at, const char *end, in_port_t *out)
{
	char text[8];
	unsigned port = 0;

	if (!word_take(at, end, text, sizeof text) || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return false;
		port = port * 10 + (unsigned)(*c - '0');
	}
	*out = htons((in_port_t)port);
	return port <= UINT16_MAX;
}

/* "192.0.2.1 192.0.2.2 4711 443" */
static bool v1_addresses_read(const char *at, const char *end, int family, struct sockaddr_storage *source)
{
	struct sockaddr_in *v4 = (void *)source;
	struct sockaddr_in6 *v6 = (void *)source;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	unsigned char ignored[16];
	in_port_t port, other;

	if (!word_take(&at, end, from, sizeof from) || !word_take(&at, end, to, sizeof to) ||
	    !port_take(&at, end, &port) || !port_take(&at, end, &other) || at != end || end[-1] == ' ')
		return false;
	source->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		v4->sin_port = port;
	else
		v6->sin6_port = port;
	return inet_pton(family, from, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr) == 1 &&
	       inet_pton(family, to, ignored) == 1;
}

static enum proxy_header_result v1_line_read(const char *at, const char *end, struct sockaddr_storage *source)
{
	char family[8];

	if (!word_take(&at, end, family, sizeof family))
		return PROXY_HEADER_INVALID;
	if (strcmp(family, "UNKNOWN") == 0)
		return PROXY_HEADER_UNNAMED;
	if (strcmp(family, "TCP4") == 0 && v1_addresses_read(at, end, AF_INET, source))
		return PROXY_HEADER_NAMED;
	if (strcmp(family, "TCP6") == 0 && v1_addresses_read(at, end, AF_INET6, source))
		return PROXY_HEADER_NAMED;
	return PROXY_HEADER_INVALID;
}

static enum proxy_header_result v1_parse(const char *bytes, size_t n, struct proxy_header *out)
{
	size_t seen = n < V1_MAX ? n : V1_MAX;
	const char *end = memmem(bytes, seen, "\r\n", 2);

	if (!end)
		return n < V1_MAX ? PROXY_HEADER_MORE : PROXY_HEADER_INVALID;
	out->len = (size_t)(end + 2 - bytes);
	return v1_line_read(bytes + sizeof v1_signature, end, &out->source);
}

/* ---- version 2: binary ----------------------------------------------------------------------------------- */

static enum proxy_header_result v2_source_read(const unsigned char *at, size_t len, unsigned family,
                                               struct sockaddr_storage *source)
{
	struct sockaddr_in *v4 = (void *)source;
	struct sockaddr_in6 *v6 = (void *)source;

	if (family == V2_UNSPEC || family == V2_UNIX)
		return PROXY_HEADER_UNNAMED;
	if (family == V2_TCP4 && len >= V2_TCP4_LEN) {
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, at, 4);
		memcpy(&v4->sin_port, at + 8, 2);
		return PROXY_HEADER_NAMED;
	}
	if (family == V2_TCP6 && len >= V2_TCP6_LEN) {
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, at, 16);
		memcpy(&v6->sin6_port, at + 32, 2);
		return PROXY_HEADER_NAMED;
	}
	return PROXY_HEADER_INVALID;
}

static enum proxy_header_result v2_parse(const unsigned char *bytes, size_t n, struct proxy_header *out)
{
	size_t len;

	if (n > 12 && bytes[12] != (V2_VERSION | V2_LOCAL) && bytes[12] != (V2_VERSION | V2_PROXY))
		return PROXY_HEADER_INVALID;
	if (n < V2_HEAD)
		return PROXY_HEADER_MORE;
	len = (size_t)bytes[14] << 8 | bytes[15];
	if (V2_HEAD + len > PROXY_HEADER_MAX)
		return PROXY_HEADER_INVALID;
	if (n < V2_HEAD + len)
		return PROXY_HEADER_MORE;
	out->len = V2_HEAD + len;
	if (bytes[12] == (V2_VERSION | V2_LOCAL))
		return PROXY_HEADER_UNNAMED;
	return v2_source_read(bytes + V2_HEAD, len, bytes[13], &out->source);
}

enum proxy_header_result proxy_header_parse(const void *bytes, size_t n, struct proxy_header *out)
{
	memset(out, 0, sizeof *out);
	if (n == 0)
		return PROXY_HEADER_MORE;
	if (begins(bytes, n, v2_signature, sizeof v2_signature))
		return v2_parse(bytes, n, out);
	if (begins(bytes, n, v1_signature, sizeof v1_signature))
		return v1_parse(bytes, n, out);
	return PROXY_HEADER_INVALID;
}

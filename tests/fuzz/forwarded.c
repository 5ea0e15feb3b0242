/* SPDX-License-Identifier: MIT */
/* Any values of the forwarding fields, a line each, behind which a trusted proxy adds the client that it saw:
 * whatever was there before, that client it is.  No host that a client invented is believed either. */
#include <stdlib.h>
#include <string.h>

#include "net/forwarded.h"
#include "fuzz.h"

static const char seen_x[] = "192.0.2.1", seen[] = "for=192.0.2.1;host=here";

/* The lines of data as values of fields of that name, and one more. */
static void head_make(struct http_head *h, const char *name, const char *data, size_t size, const char *last)
{
	const char *at = data, *end = data + size;

	h->n = 0;
	while (at < end && h->n + 1 < HTTP_FIELDS_MAX) {
		const char *line = memchr(at, '\n', (size_t)(end - at)), *stop = line ? line : end;

		h->fields[h->n++] = (struct http_field){span_of(name), {at, (size_t)(stop - at)}};
		at = stop + 1;
	}
	h->fields[h->n++] = (struct http_field){span_of(name), span_of(last)};
}

static void nothing_before_counts(struct http_head *h, const struct cidr_list *trusted, const char *data, size_t size)
{
	char out[FORWARDED_ADDRESS_SIZE];

	head_make(h, "X-Forwarded-For", data, size, seen_x);
	forwarded_for_find(h, trusted, out);
	PROMISE(strcmp(out, seen_x) == 0);
	head_make(h, "Forwarded", data, size, seen);
	forwarded_find(h, trusted, out);
	PROMISE(strcmp(out, seen_x) == 0);
	PROMISE(span_is(forwarded_host_find(h, trusted), "here"));
	head_make(h, "X-Forwarded-Host", data, size, "here");
	PROMISE(span_is(forwarded_x_host_find(h), "here"));
}

/* What is found is an address, and reads as itself. */
static void what_is_found_is_an_address(struct http_head *h, const struct cidr_list *trusted)
{
	char out[FORWARDED_ADDRESS_SIZE], again[FORWARDED_ADDRESS_SIZE];

	forwarded_find(h, trusted, out);
	if (out[0] != '\0')
		PROMISE(forwarded_node_parse(span_of(out), again) && strcmp(out, again) == 0);
	for (size_t i = 0; i < h->n; i++)
		if (forwarded_node_parse(h->fields[i].value, out))
			PROMISE(forwarded_node_parse(span_of(out), again) && strcmp(out, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head h;
	struct cidr_list trusted = {0};

	PROMISE(cidr_list_add(&trusted, "10.0.0.0/8") == CIDR_OK);
	nothing_before_counts(&h, &trusted, (const char *)data, size);
	head_make(&h, "Forwarded", (const char *)data, size, "for=10.0.0.1");
	what_is_found_is_an_address(&h, &trusted);
	cidr_list_fini(&trusted);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* llhttp's view of the fields; see http_confirm.h. */
#include "net/http_confirm.h"

#include <llhttp.h>

struct second {
	llhttp_t parser; /* first: its address is ours */
	const struct http_head *head;
	size_t n;
	bool whole;
};

static struct second *second_of(llhttp_t *p)
{
	return (struct second *)(void *)p;
}

/* The field that is being read, NULL: there are more than we know of. */
static const struct http_field *field_of(const struct second *s)
{
	return s->n < s->head->n ? &s->head->fields[s->n] : NULL;
}

static int on_name(llhttp_t *p, const char *at, size_t len)
{
	const struct http_field *f = field_of(second_of(p));

	return f && f->name.at == at && f->name.len == len ? HPE_OK : HPE_USER;
}

/* It counts white space behind a value in, and does not say where an empty one is. */
static int on_value(llhttp_t *p, const char *at, size_t len)
{
	const struct http_field *f = field_of(second_of(p));

	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	return f && f->value.len == len && (len == 0 || f->value.at == at) ? HPE_OK : HPE_USER;
}

static int on_value_complete(llhttp_t *p)
{
	second_of(p)->n++;
	return HPE_OK;
}

/* The body is not its business. */
static int on_headers_complete(llhttp_t *p)
{
	second_of(p)->whole = true;
	return HPE_PAUSED;
}

bool http_fields_confirm(const struct http_head *h, struct span lines)
{
	static const llhttp_settings_t settings = {.on_header_field = on_name,
	                                           .on_header_value = on_value,
	                                           .on_header_value_complete = on_value_complete,
	                                           .on_headers_complete = on_headers_complete};
	static const char request[] = "POST / HTTP/1.1\r\n", response[] = "HTTP/1.1 200 OK\r\n";
	struct second s = {.head = h};
	bool is_request = h->status == 0;

	llhttp_init(&s.parser, is_request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
	if (llhttp_execute(&s.parser, is_request ? request : response,
	                   is_request ? sizeof request - 1 : sizeof response - 1) != HPE_OK)
		return false;
	llhttp_execute(&s.parser, lines.at, lines.len);
	return s.whole && s.n == h->n;
}

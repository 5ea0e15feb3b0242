/* SPDX-License-Identifier: MIT */
/* See order.h. */
#include "order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/server_hold.h"
#include "watch.h"

#define ATTEMPTS_MAX 5

/* The arguments of the run that every user's check and run get, and `more`; out has room for ARGUMENTS. */
void order_arguments(const struct fleet *f, const char *more, char texts[ARGUMENTS][WHY_SIZE],
                     const char *out[ARGUMENTS + 1])
{
	const json_t *asked = json_object_get(f->all, "arguments");
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)asked, name, value)
		if (n < ARGUMENTS - 1 && strcmp(name, more) != 0)
			snprintf(texts[n++], WHY_SIZE, "%s=%s", name, json_string_value(value));
	if (*more != '\0')
		snprintf(texts[n++], WHY_SIZE, "%s", more);
	for (size_t i = 0; i < n; i++)
		out[i] = texts[i];
	out[n] = NULL;
}

void order_give(struct fleet *f, const char *job, const char *action, const char *const *arguments, t3ops_acted_cb cb)
{
	int r = f->ctx->host->request_action(f->ctx, job, action, fleet_text(f, "user"), arguments, cb,
	                                     (void *)++f->order); /* NOLINT: a number */

	if (r == -EHOSTDOWN || r == -ENOMEM)
		fleet_again_later(f, PAUSE_US);
	else if (r < 0)
		fleet_end(f, SETTLING, "stopped: %s %s cannot be asked for: %s", job, action, strerror(-r));
}

/* Behind "1 of 1 failed; alice: ". */
const char *order_reason(const struct fleet *f, const struct t3ops_acted *a)
{
	char before[T3OPS_USER_NAME_SIZE + 8];
	const char *at;

	snprintf(before, sizeof before, "; %s: ", fleet_text(f, "user"));
	at = strstr(a->text, before);
	return at != NULL ? at + strlen(before) : a->text;
}

bool order_begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

const char *order_plain(const char *reason)
{
	static const char *const words[] = {"rolled back: ", "rejected: ", "frozen: "};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (order_begins(reason, words[i]))
			return reason + strlen(words[i]);
	return reason;
}

static struct fleet *fleet_of(struct t3ops_ctx *ctx)
{
	return ((struct watch *)ctx->state)->fleet;
}

/* NULL: the answer is late. */
struct fleet *order_answered(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = fleet_of(ctx);

	return f != NULL && f->order == (uintptr_t)arg ? f : NULL;
}

bool order_is_in_progress(const struct t3ops_acted *a)
{
	return a->error == -EHOSTDOWN || strstr(a->text, "another run for this user") != NULL ||
	       strstr(a->text, SERVER_HELD) != NULL || strstr(a->text, strerror(EBUSY)) != NULL;
}

/* What may be otherwise the next time is tried a few times; true: it will be. */
bool order_is_tried_again(struct fleet *f, const struct t3ops_acted *a)
{
	if (!order_is_in_progress(a) && ++f->attempts >= ATTEMPTS_MAX)
		return false;
	fleet_again_later(f, PAUSE_US);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* See channel.h. */
#include "channel.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define PRINTED_SIZE 65536

/* NULL: there is no such letter. */
static const char *word_of(const struct channel_words *w, char letter)
{
	switch (letter) {
	case 'v':
		return w->version;
	case 'p':
		return w->prefix;
	case 'c':
		return w->channel;
	case 'h':
		return w->user->home;
	case 'u':
		return w->user->os_user;
	case 'n':
		return w->user->name;
	case '%':
		return "%";
	default:
		return NULL;
	}
}

int channel_fill(char *out, size_t size, const char *item, const struct channel_words *w)
{
	size_t used = 0;

	for (; *item != '\0'; item++) {
		char letter[2] = {*item, '\0'};
		const char *value = *item == '%' ? word_of(w, *++item) : letter;

		if (value == NULL)
			return -EINVAL;
		if (used + strlen(value) >= size)
			return -ENAMETOOLONG;
		used += (size_t)snprintf(out + used, size - used, "%s", value);
	}
	out[used] = '\0';
	return 0;
}

/* ---- the programs -------------------------------------------------------------------------------------------- */

static void argv_free(char **argv)
{
	for (size_t i = 0; argv != NULL && argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

/* NULL with why. */
static char **argv_make(struct channel *c, const char *option, const struct channel_words *w)
{
	const struct t3ops_host *host = c->ctx->host;
	size_t n = host->opt_count(c->ctx, option);
	char **argv = calloc(n + 1, sizeof *argv), item[PATH_MAX];
	int r = n == 0 ? -ENOENT : argv == NULL ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = channel_fill(item, sizeof item, host->opt_item(c->ctx, option, i), w);
		if (r == 0)
			argv[i] = strdup(item);
		if (r == 0 && argv[i] == NULL)
			r = -ENOMEM;
	}
	if (r == 0)
		return argv;
	snprintf(c->why, sizeof c->why, "the option %s cannot be filled in: %s", option, strerror(-r));
	argv_free(argv);
	return NULL;
}

/* What it printed, to be freed; NULL with *error and why. */
static char *printed_by(struct channel *c, const char *option, const struct channel_words *w, int *error)
{
	char **argv = argv_make(c, option, w), why[320] = "";
	char *out = argv != NULL ? malloc(PRINTED_SIZE) : NULL;

	*error = -EINVAL;
	if (out != NULL)
		*error = program_run((const char *const *)argv, c->until_us, out, PRINTED_SIZE, why, sizeof why);
	if (out != NULL && *error < 0) {
		snprintf(c->why, sizeof c->why, "%s: %s", option, why);
		free(out);
		out = NULL;
	}
	argv_free(argv);
	return out;
}

static int version_printed(struct channel *c, const char *option, const struct channel_words *w,
                           char version[VERSION_SIZE])
{
	int error;
	char *out = printed_by(c, option, w, &error);
	bool found = out != NULL && version_find(out, version);

	if (out != NULL && !found) {
		snprintf(c->why, sizeof c->why, "%s: it printed no version: %.120s", option, out);
		error = -EPROTO;
	}
	free(out);
	return error;
}

int channel_resolve(struct channel *c, char version[VERSION_SIZE])
{
	const struct channel_words w = {"", "", c->ctx->host->opt_string(c->ctx, "channel"), c->user};

	return version_printed(c, "resolve", &w, version);
}

int channel_install(struct channel *c, const char *version, const char *prefix)
{
	const struct channel_words w = {version, prefix, c->ctx->host->opt_string(c->ctx, "channel"), c->user};
	int error;

	free(printed_by(c, "install", &w, &error));
	return error;
}

int channel_current(struct channel *c, const char *prefix, char version[VERSION_SIZE])
{
	const struct channel_words w = {"", prefix, c->ctx->host->opt_string(c->ctx, "channel"), c->user};

	return version_printed(c, "current", &w, version);
}

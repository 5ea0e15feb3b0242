/* SPDX-License-Identifier: MIT */
/* See seen.h. */
#include "seen.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

#define HEX_AT_LEAST 8 /* of a name's word, to be some server's own and not the version's */

static const char *const keys[] = {"proof", "endpoint", "status", "cookie", "attributes", "keys", "heartbeat"};

/* A port, or a piece of a hash: of one server, not of its version. */
static bool is_of_one_server(const char *word, size_t len)
{
	bool digits = len > 0;

	for (size_t i = 0; i < len; i++) {
		if (!isxdigit((unsigned char)word[i]))
			return false;
		digits = digits && isdigit((unsigned char)word[i]);
	}
	return digits || len >= HEX_AT_LEAST;
}

/* "t3_session_4154_0771c4345694" is of every server "t3_session_N_N". */
static json_t *cookie_general(const char *name)
{
	char out[256];
	size_t used = 0;

	while (*name != '\0' && used + 2 < sizeof out) {
		size_t len = strcspn(name, "_");

		if (is_of_one_server(name, len) && used > 0)
			out[used++] = 'N';
		else
			for (size_t i = 0; i < len && used + 2 < sizeof out; i++)
				out[used++] = name[i];
		name += len;
		if (*name == '_')
			out[used++] = *name++;
	}
	return json_stringn(out, used);
}

void seen_take(struct state *s, const json_t *facts, const char *proof, long long migration)
{
	const char *version = json_string_value(json_object_get(facts, "version"));
	const char *cookie = json_string_value(json_object_get(facts, "cookie"));
	json_t *seen = json_object_get(s->all, "seen"), *row;

	if (version == NULL || !version_is(version))
		return;
	if (seen == NULL) {
		seen = json_object();
		json_object_set_new(s->all, "seen", seen);
	}
	row = json_object();
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		json_t *value = json_object_get(facts, keys[i]);

		if (value != NULL)
			json_object_set(row, keys[i], value);
	}
	if (json_object_set_new(row, "proof", json_string(proof)) < 0) /* cut inside a character */
		json_object_set_new(row, "proof", json_string("fails"));
	if (cookie != NULL)
		json_object_set_new(row, "cookie", cookie_general(cookie));
	if (migration >= 0)
		json_object_set_new(row, "migration", json_integer(migration));
	json_object_set_new(seen, version, row);
}

long long seen_migration(const struct state *s, const char *version)
{
	const json_t *row = json_object_get(json_object_get(s->all, "seen"), version);
	const json_t *migration = json_object_get(row, "migration");

	return json_is_integer(migration) ? json_integer_value(migration) : -1;
}

/* ---- the report ---------------------------------------------------------------------------------------------- */

static int by_version(const void *a, const void *b)
{
	return version_compare(*(const char *const *)a, *(const char *const *)b);
}

static void row_report(struct t3ops_ctx *ctx, const char *version, const json_t *row)
{
	const json_t *migration = json_object_get(row, "migration");

	ctx->host->report(ctx, "version", "%s", version);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *text = json_string_value(json_object_get(row, keys[i]));

		if (text != NULL)
			ctx->host->report(ctx, keys[i], "%s", text);
	}
	if (migration != NULL)
		ctx->host->report(ctx, "migration", "%lld", (long long)json_integer_value(migration));
	ctx->host->report_row(ctx);
}

void seen_report(struct t3ops_ctx *ctx, const struct state *s)
{
	json_t *seen = json_object_get(s->all, "seen"), *row;
	size_t n = 0, size = json_object_size(seen);
	const char **versions = size > 0 ? calloc(size, sizeof *versions) : NULL, *version;

	if (versions == NULL)
		return;
	json_object_foreach (seen, version, row)
		if (version_is(version))
			versions[n++] = version;
	qsort(versions, n, sizeof *versions, by_version);
	for (size_t i = 0; i < n; i++)
		row_report(ctx, versions[i], json_object_get(seen, versions[i]));
	free(versions);
}

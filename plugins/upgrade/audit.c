/* SPDX-License-Identifier: MIT */
/* See audit.h. */
#include "audit.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                      \
	"SELECT m.name || '.' || c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c"                   \
	" WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1"

json_t *audit_columns(const char *database, char *why, size_t size)
{
	json_t *out = json_object();
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, COLUMNS, -1, &stmt, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		json_object_set_new(out, (const char *)sqlite3_column_text(stmt, 0),
		                    json_string((const char *)sqlite3_column_text(stmt, 1)));
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_DONE) {
		snprintf(why, size, "its columns cannot be read: %s", sqlite3_errmsg(db));
		json_decref(out);
		out = NULL;
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return out;
}

/* What the one has and the other has not, each with that sign. */
static size_t missing_write(const json_t *of, const json_t *in, char sign, char *out, size_t size, size_t used)
{
	const char *name;
	json_t *type;

	json_object_foreach ((json_t *)(uintptr_t)of, name, type)
		if (json_object_get(in, name) == NULL && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%c%s", used > 0 ? " " : "", sign, name);
	return used;
}

void audit_columns_compare(const json_t *before, const json_t *after, char *out, size_t size)
{
	size_t used;

	out[0] = '\0';
	used = missing_write(before, after, '-', out, size, 0);
	missing_write(after, before, '+', out, size, used < size ? used : size);
}

static bool is_precious(const char *table)
{
	return strncmp(table, "auth_", 5) != 0 && strcmp(table, "effect_sql_migrations") != 0;
}

bool audit_rows_lost(const json_t *before, const json_t *after, char *why, size_t size)
{
	const char *table;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)before, table, value) {
		json_int_t was = json_integer_value(value), is = json_integer_value(json_object_get(after, table));

		if (!is_precious(table) || is >= was)
			continue;
		snprintf(why, size, "the migration loses rows of table %.64s: it had %lld and has %lld", table,
		         (long long)was, (long long)is);
		return true;
	}
	return false;
}

long long audit_sessions_lost(const json_t *before, const json_t *after)
{
	long long was = json_integer_value(json_object_get(before, "auth_sessions"));
	long long is = json_integer_value(json_object_get(after, "auth_sessions")) - 1;

	return was > is ? was - (is > 0 ? is : 0) : 0;
}

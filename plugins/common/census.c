/* SPDX-License-Identifier: MIT */
/* Counting and comparing; see census.h. */
#include "common/census.h"

#include <errno.h>
#include <stdio.h>

#define TABLES "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"

/* The first column of the first row; -1 without one. */
static int number_ask(sqlite3 *db, const char *sql, long long *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	*out = -1;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* form: a question about a table, of one number. */
static int table_ask(sqlite3 *db, struct census *c, const char *table, const char *form)
{
	char *sql = sqlite3_mprintf(form, table);
	long long rows;
	int rc = sql != NULL ? number_ask(db, sql, &rows) : SQLITE_NOMEM;

	sqlite3_free(sql);
	if (rc == SQLITE_OK && json_object_set_new(c->rows, table, json_integer(rows)) < 0)
		rc = SQLITE_NOMEM;
	return rc;
}

static int tables_ask(sqlite3 *db, struct census *c, const char *form)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, TABLES, -1, &stmt, NULL), counted = SQLITE_OK;

	while (rc == SQLITE_OK && counted == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		counted = table_ask(db, c, (const char *)sqlite3_column_text(stmt, 0), form);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return counted != SQLITE_OK ? counted : rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int migration_ask(sqlite3 *db, struct census *c)
{
	c->migration = -1;
	if (json_object_get(c->rows, "effect_sql_migrations") == NULL)
		return SQLITE_OK;
	return number_ask(db, "SELECT max(migration_id) FROM effect_sql_migrations", &c->migration);
}

static int all_ask(sqlite3 *db, struct census *c, const char *form)
{
	int rc;

	*c = (struct census){.rows = json_object(), .migration = -1};
	rc = c->rows != NULL ? sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) : SQLITE_NOMEM;
	if (rc == SQLITE_OK)
		rc = tables_ask(db, c, form);
	if (rc == SQLITE_OK)
		rc = migration_ask(db, c);
	if (rc == SQLITE_OK)
		rc = number_ask(db, "PRAGMA data_version", &c->version);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int census_take(sqlite3 *db, struct census *c)
{
	return all_ask(db, c, "SELECT count(*) FROM \"%w\"");
}

int census_glance(sqlite3 *db, struct census *c)
{
	return all_ask(db, c, "SELECT EXISTS(SELECT 1 FROM \"%w\")");
}

void census_fini(struct census *c)
{
	json_decref(c->rows);
	c->rows = NULL;
}

bool census_changed(const struct census *before, const struct census *after)
{
	return before->version != after->version;
}

static bool say(char *why, size_t size, const char *table, const char *what)
{
	snprintf(why, size, "table %.64s %s", table, what);
	return false;
}

static bool say_rows(char *why, size_t size, const char *table, json_int_t was, json_int_t is)
{
	char what[96];

	snprintf(what, sizeof what, "has %lld rows in the copy and had %lld in the source", (long long)is,
	         (long long)was);
	return say(why, size, table, what);
}

bool census_fits(const struct census *before, const struct census *copy, const struct census *after, char *why,
                 size_t why_size)
{
	bool changed = census_changed(before, after);
	const char *table;
	json_t *value;

	json_object_foreach (before->rows, table, value) {
		json_int_t was = json_integer_value(value);
		const json_t *mine = json_object_get(copy->rows, table), *later = json_object_get(after->rows, table);
		json_int_t is = json_integer_value(mine);

		if (mine == NULL && later != NULL)
			return say(why, why_size, table, "is missing in the copy");
		if (!changed && is != was)
			return say_rows(why, why_size, table, was, is);
		if (changed && is == 0 && was > 0 && json_integer_value(later) > 0)
			return say(why, why_size, table, "is empty in the copy and was not in the source");
	}
	return true;
}

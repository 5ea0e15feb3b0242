/* SPDX-License-Identifier: MIT */
/* How many rows each table of a database has, and how far it was migrated. */
#ifndef T3OPS_PLUGINS_COMMON_CENSUS_H
#define T3OPS_PLUGINS_COMMON_CENSUS_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct census {
	json_t *rows;        /* {TABLE: rows}; at a glance: 1 or 0, whether it has any */
	long long migration; /* the highest of effect_sql_migrations; -1: it has no such table, or no row in it */
	long long version;   /* of PRAGMA data_version: another one after a commit of another program */
};

/* All of it in one read transaction.  SQLITE_OK, or SQLite's code. */
int census_take(sqlite3 *db, struct census *c);
/* The same at a glance, which reads little however large the database is. */
int census_glance(sqlite3 *db, struct census *c);
void census_fini(struct census *c);

/* Whether the copy can be what the source held between two countings of it: exactly, if nobody wrote meanwhile; else
 * no table is missing, or empty that was not, and a glance before and after does.  False with one line in why. */
bool census_fits(const struct census *before, const struct census *copy, const struct census *after, char *why,
                 size_t why_size);
/* Whether somebody wrote between the two. */
bool census_changed(const struct census *before, const struct census *after);

#endif

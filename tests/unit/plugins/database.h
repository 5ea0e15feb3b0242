/* SPDX-License-Identifier: MIT */
/* Databases as t3 has them: made, changed, asked, checked.  Whatever goes wrong fails the test. */
#ifndef TESTS_PLUGINS_DATABASE_H
#define TESTS_PLUGINS_DATABASE_H

#include <stddef.h>

/* Table events with that many rows, and table totals, whose n is their number. */
void database_make(const char *path, int rows);
/* What every copy must be: consistent, complete, with at least so many events, and good to start t3 on. */
void database_check(const char *path, long least);

void database_exec(const char *path, const char *sql);
/* The same where the schema cannot be read. */
void database_exec_newer(const char *path, const char *sql);
/* The first column of the first row. */
void database_text(const char *path, const char *sql, char *out, size_t size);
long database_number(const char *path, const char *sql);

#endif

/* SPDX-License-Identifier: MIT */
/* Queries of the journal; see journal_read.h. */
#include "monitor/journal_read.h"

#include "sys/time_text.h"

static uint64_t number_of(struct journal *j, const char *sql)
{
	sqlite3_stmt *s = journal_db_prepare(journal_written(j), sql);
	uint64_t number = 0;

	if (s != NULL && sqlite3_step(s) == SQLITE_ROW)
		number = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return number;
}

uint64_t journal_last_incident(struct journal *j)
{
	return number_of(j, "SELECT max((SELECT coalesce(max(id), 0) FROM verdicts),"
	                    " (SELECT coalesce(max(incident), 0) FROM recordings),"
	                    " (SELECT coalesce(max(id), 0) FROM events WHERE kind = 'verdict'))");
}

uint64_t journal_last_verdict(struct journal *j)
{
	return number_of(j, "SELECT coalesce(max(json_extract(json, '$.id')), 0) FROM verdicts");
}

/* Ends the query that filled list; NULL if it came to no end. */
static json_t *list_end(sqlite3_stmt *s, json_t *list, int last_step)
{
	sqlite3_finalize(s);
	if (last_step == SQLITE_DONE)
		return list;
	json_decref(list);
	return NULL;
}

json_t *journal_verdicts(struct journal *j, uint64_t after, size_t limit)
{
	sqlite3_stmt *s = journal_db_prepare(
	    journal_written(j), "SELECT json FROM verdicts WHERE serial > ? ORDER BY serial DESC LIMIT ?");
	json_t *list;
	int step;

	if (s == NULL)
		return NULL;
	list = json_array();
	sqlite3_bind_int64(s, 1, (sqlite3_int64)after);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)limit);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		json_t *verdict = json_loads((const char *)sqlite3_column_text(s, 0), 0, NULL);

		if (verdict != NULL)
			json_array_append_new(list, verdict);
	}
	return list_end(s, list, step);
}

json_t *journal_memories(struct journal *j)
{
	sqlite3_stmt *s = journal_db_prepare(journal_written(j), "SELECT text FROM memory ORDER BY id");
	json_t *list;
	int step;

	if (s == NULL)
		return NULL;
	list = json_array();
	while ((step = sqlite3_step(s)) == SQLITE_ROW)
		json_array_append_new(list, json_string((const char *)sqlite3_column_text(s, 0)));
	return list_end(s, list, step);
}

json_t *journal_browsers(struct journal *j)
{
	sqlite3_stmt *s = journal_db_prepare(journal_written(j), "SELECT user, goodbye, http2 FROM browsers");
	json_t *list;
	int step;

	if (s == NULL)
		return NULL;
	list = json_array();
	while ((step = sqlite3_step(s)) == SQLITE_ROW)
		json_array_append_new(list,
		                      json_pack("{s:s, s:s, s:b}", "user", sqlite3_column_text(s, 0), "goodbye",
		                                sqlite3_column_text(s, 1), "http2", sqlite3_column_int(s, 2) != 0));
	return list_end(s, list, step);
}

static json_t *event_row_json(sqlite3_stmt *s)
{
	char when[32];

	time_text((uint64_t)sqlite3_column_int64(s, 1), when);
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "serial", (json_int_t)sqlite3_column_int64(s, 0),
	                 "time", when, "kind", sqlite3_column_text(s, 2), "process", sqlite3_column_text(s, 3),
	                 "plugin", sqlite3_column_text(s, 4), "user", sqlite3_column_text(s, 5), "line",
	                 sqlite3_column_text(s, 6));
}

#define EVENT_COLUMNS "SELECT serial, time_us, kind, process, plugin, user, line FROM events"
#define EVENT_ORDER   " ORDER BY time_us DESC, serial DESC LIMIT ?3"

const char *journal_events_sql(const char *kind)
{
	return kind[0] != '\0' ? EVENT_COLUMNS " WHERE kind = ?1 AND time_us >= ?2" EVENT_ORDER
	                       : EVENT_COLUMNS " WHERE time_us >= ?2" EVENT_ORDER;
}

json_t *journal_events(struct journal *j, const char *kind, uint64_t since_us, size_t limit)
{
	sqlite3_stmt *s = journal_db_prepare(journal_written(j), journal_events_sql(kind));
	json_t *list;
	int step;

	if (s == NULL)
		return NULL;
	list = json_array();
	journal_db_bind_text(s, 1, kind);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)since_us);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)limit);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		json_t *row = event_row_json(s);

		if (row != NULL)
			json_array_append_new(list, row);
	}
	return list_end(s, list, step);
}

json_t *journal_plugin_events(struct journal *j, const char *plugin, uint64_t since_us, uint64_t ends_since_us,
                              size_t limit)
{
	sqlite3_stmt *s = journal_db_prepare(journal_written(j),
	                                     "SELECT time_us, kind, user, line FROM events"
	                                     " WHERE plugin = ?1 AND (process = 'monitor' AND time_us >= ?2 OR"
	                                     " process = 'jobs' AND time_us >= ?3)"
	                                     " ORDER BY serial DESC LIMIT ?4");
	json_t *list;
	int step;

	if (s == NULL)
		return NULL;
	list = json_array();
	journal_db_bind_text(s, 1, plugin);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)since_us);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)ends_since_us);
	sqlite3_bind_int64(s, 4, (sqlite3_int64)limit);
	while ((step = sqlite3_step(s)) == SQLITE_ROW)
		json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:s}", "time_us",
		                                      (json_int_t)sqlite3_column_int64(s, 0), "kind",
		                                      sqlite3_column_text(s, 1), "user", sqlite3_column_text(s, 2),
		                                      "line", sqlite3_column_text(s, 3)));
	return list_end(s, list, step);
}

/* SPDX-License-Identifier: MIT */
/* Recordings played again; see replay.h. */
#include "monitor/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/checkpoint.h"
#include "diagnosis/checkpoint_host.h"
#include "diagnosis/host_news.h"
#include "diagnosis/leg_news.h"
#include "monitor/event_report.h"
#include "monitor/recording_event.h"
#include "monitor/recording_text.h"
#include "monitor/verdict_json.h"
#include "monitor/verdict_span.h"
#include "sys/buf.h"
#include "sys/time_text.h"
#include "tbl/room.h"

#define FILE_MAX_BYTES (64u << 20)

struct replay {
	char *rest; /* lines that were not taken */
	size_t line;
	bool is_told; /* a fact came: the state is complete */
	bool is_over; /* "end" came */

	/* The setup. */
	uint64_t incident; /* whose verdicts are asked for */
	uint64_t zero_us, serial;
	const char *vantage; /* NULL: none was named */
	struct diagnosis_setup setup;
	struct name_row {
		const char *names[TOPOLOGY_LIST_MAX + 1];
		size_t n;
	} user_path, per_user, *lists; /* lists: two of each leg */
	struct leg_shape *legs;
	size_t room_for_legs, room_for_lists;

	struct diagnosis *d;
	uint64_t wall_us; /* of the latest tick */
	json_t *verdicts; /* in the order in which they were given */
	json_t *latest;   /* of each, by its id */
	int error;        /* in a look during a tick */
};

/* ---- what it says -------------------------------------------------------------------------------------- */

static void id_text(const struct verdict *v, char out[24])
{
	snprintf(out, 24, "%llu", (unsigned long long)v->id);
}

static void on_verdict(void *arg, const struct verdict_basis *b)
{
	struct replay *r = arg;
	json_t *verdict = verdict_json(b);
	char id[24];

	if (verdict == NULL) {
		r->error = -ENOMEM;
		return;
	}
	id_text(b->verdict, id);
	if (r->vantage != NULL)
		json_object_set_new(verdict, "vantage", json_string(r->vantage));
	json_object_set_new(verdict, "serial", json_integer((json_int_t)++r->serial));
	if (b->verdict->incident == r->incident) { /* those of another one are in its own recording */
		json_object_set(r->latest, id, verdict);
		json_array_append(r->verdicts, verdict);
	}
	json_decref(verdict);
}

static void on_ended(void *arg, const struct verdict *v)
{
	struct replay *r = arg;
	char id[24], when[TIME_TEXT_SIZE];
	json_t *verdict;

	id_text(v, id);
	time_text(r->wall_us, when);
	verdict = json_object_get(r->latest, id);
	if (verdict != NULL)
		verdict_json_update(verdict, v, when);
}

/* Who has come back since, of those that stand. */
static void standing_update(struct replay *r)
{
	const struct verdict_table *t = diagnosis_verdicts(r->d);

	for (size_t i = 0; i < t->n; i++) {
		char id[24];
		json_t *verdict;

		id_text(t->rows[i], id);
		verdict = json_object_get(r->latest, id);
		if (verdict != NULL && t->rows[i]->state == VERDICT_STANDING)
			verdict_json_update(verdict, t->rows[i], "");
	}
}

static void on_probe(void *arg, uint64_t incident, uint64_t since_us, const char *user)
{
	(void)arg, (void)incident, (void)since_us, (void)user;
}

static void on_dropped(void *arg, const struct drop *drop, bool late)
{
	(void)arg, (void)drop, (void)late;
}

static void on_slow(void *arg, const struct slow_report *report)
{
	(void)arg, (void)report;
}

static void on_walled_off(void *arg, const char *leg)
{
	(void)arg, (void)leg;
}

static void on_host(void *arg, const struct host_event *e)
{
	(void)arg, (void)e;
}

static void on_browser(void *arg, const struct browser *b)
{
	(void)arg, (void)b;
}

static void on_look(void *arg, struct diagnosis *d);

static const struct diagnosis_actions actions = {.probe = on_probe,
                                                 .dropped = on_dropped,
                                                 .verdict = on_verdict,
                                                 .ended = on_ended,
                                                 .slow = on_slow,
                                                 .walled_off = on_walled_off,
                                                 .host = on_host,
                                                 .browser = on_browser,
                                                 .look = on_look};

/* ---- the setup ----------------------------------------------------------------------------------------- */

static int number_of(const char *text, uint64_t *out)
{
	struct number {
		uint64_t n;
	} number = {0};
	static const struct field fields[] = {NUMBER(struct number, n), FIELDS_END};
	struct pair p = {"n", (char *)(uintptr_t)text};

	if (field_read(fields, &number, &p, NULL) != 1)
		return -EINVAL;
	*out = number.n;
	return 0;
}

static const struct field setup_fields[] = {
    NUMBER(struct replay, incident),
    NUMBER(struct replay, zero_us),
    NUMBER(struct replay, serial),
    FIELDS_END,
};

static const struct field timing_fields[] = {
    NUMBER(struct diagnosis_setup, ping_timeout_us),
    NUMBER(struct diagnosis_setup, process_watchdog_us),
    NUMBER(struct diagnosis_setup, page_heartbeat_us),
    FIELDS_END,
};

static int setup_diagnosis(struct replay *r, char *line)
{
	struct pair p;
	int result;

	while ((result = pair_next(&line, &p)) > 0) {
		result = field_read(setup_fields, r, &p, NULL);
		if (result == 0)
			result = field_read(timing_fields, &r->setup, &p, NULL);
		if (result <= 0)
			return -EINVAL;
	}
	return result;
}

static int list_add(struct name_row *list, const char *name)
{
	if (list->n > TOPOLOGY_LIST_MAX)
		return -E2BIG;
	list->names[list->n++] = name;
	return 0;
}

static int setup_list(struct name_row *list, char *line)
{
	struct pair p;
	int r;

	while ((r = pair_next(&line, &p)) > 0) {
		r = strcmp(p.key, "segment") == 0 ? list_add(list, p.value) : -EINVAL;
		if (r < 0)
			return r;
	}
	return r;
}

static int setup_vantage(struct replay *r, char *line)
{
	struct pair p;

	if (pair_next(&line, &p) != 1 || strcmp(p.key, "name") != 0)
		return -EINVAL;
	r->vantage = p.value;
	return pair_next(&line, &p);
}

static int leg_pair(struct leg_shape *leg, struct name_row *segments, struct name_row *resolver, const struct pair *p)
{
	if (strcmp(p->key, "name") == 0)
		leg->name = p->value;
	else if (strcmp(p->key, "segment") == 0)
		return list_add(segments, p->value);
	else if (strcmp(p->key, "resolver_segment") == 0)
		return list_add(resolver, p->value);
	else if (strcmp(p->key, "edge") == 0)
		leg->edge = p->value;
	else if (strcmp(p->key, "per_user") == 0)
		leg->per_user = strcmp(p->value, "1") == 0;
	else if (strcmp(p->key, "large") == 0)
		leg->large = strcmp(p->value, "1") == 0;
	else
		return -EINVAL;
	return 0;
}

static int setup_leg(struct replay *r, char *line)
{
	size_t n = r->setup.shape.n_legs;
	struct leg_shape *legs = room_for_one(r->legs, n, &r->room_for_legs, sizeof *legs);
	struct name_row *lists = room_for_one(r->lists, n, &r->room_for_lists, 2 * sizeof *lists);
	struct pair p;
	int result;

	r->legs = legs != NULL ? legs : r->legs;
	r->lists = lists != NULL ? lists : r->lists;
	if (legs == NULL || lists == NULL)
		return -ENOMEM;
	legs[n] = (struct leg_shape){.name = NULL};
	lists[2 * n].n = lists[2 * n + 1].n = 0;
	while ((result = pair_next(&line, &p)) > 0) {
		result = leg_pair(&legs[n], &lists[2 * n], &lists[2 * n + 1], &p);
		if (result < 0)
			return result;
	}
	if (legs[n].name == NULL)
		return -EINVAL;
	r->setup.shape.n_legs++;
	return result;
}

static int setup_read(struct replay *r, char *line)
{
	char *what = strsep(&line, " ");

	line = line != NULL ? line : what + strlen(what);
	if (r->d != NULL)
		return -EINVAL;
	if (strcmp(what, "diagnosis") == 0)
		return setup_diagnosis(r, line);
	if (strcmp(what, "vantage") == 0)
		return setup_vantage(r, line);
	if (strcmp(what, "user_path") == 0)
		return setup_list(&r->user_path, line);
	if (strcmp(what, "per_user") == 0)
		return setup_list(&r->per_user, line);
	return strcmp(what, "leg") == 0 ? setup_leg(r, line) : -EINVAL;
}

static struct name_list list_of(const struct name_row *row)
{
	return (struct name_list){row->names, row->n};
}

/* Its setup is complete when the first row of the state comes. */
static int diagnosis_make(struct replay *r)
{
	struct path_shape *shape = &r->setup.shape;
	const char *which;

	for (size_t i = 0; i < shape->n_legs; i++) {
		r->legs[i].segments = list_of(&r->lists[2 * i]);
		r->legs[i].resolver_segments = list_of(&r->lists[2 * i + 1]);
	}
	shape->user_path = list_of(&r->user_path);
	shape->per_user = list_of(&r->per_user);
	shape->legs = r->legs;
	r->setup.actions = &actions;
	r->setup.arg = r;
	return diagnosis_new(&r->setup, &r->d, &which);
}

/* ---- facts --------------------------------------------------------------------------------------------- */

/* "+1.234567" after zero. */
static int offset_read(const struct replay *r, char *text, uint64_t *at_us)
{
	char *point = strchr(text, '.');
	uint64_t seconds, micros;

	if ((*text != '+' && *text != '-') || point == NULL || strlen(point + 1) != 6)
		return -EINVAL;
	*point = '\0';
	if (number_of(text + 1, &seconds) < 0 || number_of(point + 1, &micros) < 0 || seconds > UINT64_C(1) << 40)
		return -EINVAL;
	micros += 1000000 * seconds;
	if (*text == '-' && micros > r->zero_us)
		return -EINVAL;
	*at_us = *text == '+' ? r->zero_us + micros : r->zero_us - micros;
	return 0;
}

/* One pair, a number. */
static int only_number(char *line, const char *key, uint64_t *out)
{
	struct pair p;

	return pair_next(&line, &p) == 1 && strcmp(p.key, key) == 0 ? number_of(p.value, out) : -EINVAL;
}

static int fact_event(struct replay *r, char *line, uint64_t now_us)
{
	struct event e;
	int result = recording_event_read(&e, line);

	return result < 0 ? result : event_report(r->d, &e, now_us);
}

static int fact_sample(struct replay *r, char *line, uint64_t now_us)
{
	struct pressure sample = {.known = false};
	int result = fields_read(fields_of_pressure, &sample, line, NULL);

	(void)now_us;
	return result < 0 ? result : host_news_pressure(r->d, &sample);
}

static int fact_host(struct replay *r, char *line, uint64_t now_us)
{
	struct host_event e = {.process = NULL};
	int result = fields_read(fields_of_host_event, &e, line, NULL);

	return result < 0 ? result : host_news_take(r->d, &e, now_us);
}

static int fact_prober_gone(struct replay *r, char *line, uint64_t now_us)
{
	uint64_t wall_us;

	if (only_number(line, "wall_us", &wall_us) < 0)
		return -EINVAL;
	leg_news_prober_replaced(r->d, wall_us, now_us);
	return 0;
}

static int fact_woke(struct replay *r, char *line, uint64_t now_us)
{
	uint64_t late_us;

	if (only_number(line, "late_us", &late_us) < 0)
		return -EINVAL;
	diagnosis_woke(r->d, late_us, now_us);
	return 0;
}

static int fact_tick(struct replay *r, char *line, uint64_t now_us)
{
	uint64_t next_us;

	if (only_number(line, "wall_us", &r->wall_us) < 0)
		return -EINVAL;
	return diagnosis_tick(r->d, now_us, &next_us);
}

static int fact_finish(struct replay *r, char *line, uint64_t now_us)
{
	(void)line;
	return diagnosis_finish(r->d, now_us);
}

static const struct fact {
	const char *name;
	int (*take)(struct replay *r, char *line, uint64_t now_us);
} facts[] = {
    {"event", fact_event},        {"sample", fact_sample},
    {"host", fact_host},          {"prober_gone", fact_prober_gone},
    {"woke", fact_woke},          {"tick", fact_tick},
    {"tick_sample", fact_sample}, /* where the tick did not ask for it, the facts are others */
    {"tick_host", fact_host},     {"finish", fact_finish},
};

static int fact_read(struct replay *r, char *line)
{
	char *at = strsep(&line, " "), *what = line != NULL ? strsep(&line, " ") : NULL;
	uint64_t now_us;

	if (what == NULL || offset_read(r, at, &now_us) < 0)
		return -EINVAL;
	line = line != NULL ? line : what + strlen(what);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		if (strcmp(facts[i].name, what) == 0)
			return facts[i].take(r, line, now_us);
	return -EINVAL;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

static char *line_next(struct replay *r)
{
	char *line = r->rest != NULL && *r->rest != '\0' ? strsep(&r->rest, "\n") : NULL;

	r->line += line != NULL;
	return line;
}

/* Whether the next line is a look at the machine during a tick. */
static bool is_look_next(const struct replay *r, const char *name)
{
	const char *line = r->rest, *what;

	if (line == NULL || strncmp(line, "fact ", 5) != 0)
		return false;
	what = strchr(line + 5, ' ');
	return what != NULL && strncmp(what + 1, name, strlen(name)) == 0 &&
	       strchr(" \n", what[1 + strlen(name)]) != NULL;
}

/* The lines of one look: what the clocks show, and one sample. */
static void on_look(void *arg, struct diagnosis *d)
{
	struct replay *r = arg;
	bool last = false;

	(void)d;
	while (!last && r->error == 0 && (is_look_next(r, "tick_host") || is_look_next(r, "tick_sample"))) {
		last = is_look_next(r, "tick_sample");
		r->error = fact_read(r, line_next(r) + strlen("fact "));
	}
}

static int state_read(struct replay *r, char *line)
{
	int result = r->is_told ? -EINVAL : r->d == NULL ? diagnosis_make(r) : 0;

	return result < 0 ? result : checkpoint_read(r->d, line);
}

/* Drops are rows of an open incident. */
static bool state_is_whole(const struct replay *r)
{
	const struct incident *now = r->d != NULL ? diagnosis_incident(r->d) : NULL;

	return now != NULL && (now->id != 0 || (now->n_drops == 0 && now->n_live_tunnels == 0));
}

/* 0, or an error: -EPROTO: the recording says itself that it is not whole. */
static int line_read(struct replay *r, char *line)
{
	char *word = strsep(&line, " ");
	int result;

	line = line != NULL ? line : word + strlen(word);
	if (*word == '#' || *word == '\0' || strcmp(word, "about") == 0 || strcmp(word, "story") == 0)
		return 0;
	if (strcmp(word, "setup") == 0)
		return setup_read(r, line);
	if (strcmp(word, "state") == 0)
		return state_read(r, line);
	if (strcmp(word, "incomplete") == 0)
		return -EPROTO;
	r->is_over = strcmp(word, "end") == 0;
	if ((!r->is_told && !state_is_whole(r)) || (!r->is_over && strcmp(word, "fact") != 0))
		return -EINVAL;
	r->is_told = true;
	result = r->is_over ? 0 : fact_read(r, line);
	return result < 0 ? result : r->error;
}

static void why_not(const struct replay *r, int error, const char *line, char *why, size_t size)
{
	if (error == -EPROTO)
		snprintf(why, size, "it is incomplete, so that a replay would say something else: %s", line);
	else if (error == -ENOMEM)
		snprintf(why, size, "there is no memory");
	else if (error == 0)
		snprintf(why, size, "its end is missing");
	else
		snprintf(why, size,
		         "line %zu cannot be read: it may have been damaged, or be of another version of t3ops",
		         r->line);
}

static bool lines_read(struct replay *r, char *why, size_t size)
{
	char *line = line_next(r), said[256] = "";
	int error = line != NULL && strcmp(line, RECORDING_FIRST_LINE) == 0 ? 0 : -EINVAL;

	if (error < 0) {
		snprintf(why, size,
		         "its first line is not \"" RECORDING_FIRST_LINE "\": it is no recording of an incident");
		return false;
	}
	while (error == 0 && !r->is_over && (line = line_next(r)) != NULL) {
		snprintf(said, sizeof said, "%s", line);
		error = line_read(r, line);
	}
	if (error == 0 && r->is_over)
		return true;
	why_not(r, error, said, why, size);
	return false;
}

json_t *replay_text(char *text, char *why, size_t size)
{
	struct replay r = {.rest = text, .verdicts = json_array(), .latest = json_object()};
	bool ok = lines_read(&r, why, size);

	if (ok)
		standing_update(&r);
	diagnosis_free(r.d);
	free(r.legs);
	free(r.lists);
	json_decref(r.latest);
	if (ok)
		return r.verdicts;
	json_decref(r.verdicts);
	return NULL;
}

/* ---- the command --------------------------------------------------------------------------------------- */

/* All of it with a NUL behind; false, with errno set. */
static bool file_read(const char *path, struct buf *text)
{
	FILE *in = fopen(path, "re");
	size_t n = 1;

	while (in != NULL && n > 0 && buf_len(text) <= FILE_MAX_BYTES && buf_reserve(text, 65536)) {
		n = fread(buf_end(text), 1, 65536, in);
		buf_added(text, n);
	}
	if (in == NULL || ferror(in) || n > 0) {
		errno = in == NULL || ferror(in) ? errno : EFBIG;
		if (in != NULL)
			fclose(in);
		return false;
	}
	fclose(in);
	return buf_add(text, "", 1);
}

/* Its last revision, with how long it lasted, in place of all. */
static json_t *only(json_t *all, const char *verdict, char *why, size_t size)
{
	json_t *one, *found = NULL;
	size_t i;

	json_array_foreach (all, i, one) {
		char id[24];

		snprintf(id, sizeof id, "%lld", (long long)json_integer_value(json_object_get(one, "id")));
		if (strcmp(id, verdict) == 0)
			found = one;
	}
	if (found == NULL)
		snprintf(why, size, "it has no verdict %s", verdict);
	else
		verdict_span_add(found, 0);
	json_incref(found);
	json_decref(all);
	return found;
}

int replay_main(const char *path, const char *verdict, FILE *out, FILE *errors)
{
	struct buf text = {0};
	char why[400] = "";
	json_t *verdicts = NULL;

	if (!file_read(path, &text))
		snprintf(why, sizeof why, "%s", strerror(errno));
	else
		verdicts = replay_text(buf_at(&text), why, sizeof why);
	buf_fini(&text);
	if (verdicts != NULL && verdict != NULL)
		verdicts = only(verdicts, verdict, why, sizeof why);
	if (verdicts == NULL) {
		fprintf(errors, "t3ops: %s: %s\n", path, why);
		return EXIT_FAILURE;
	}
	json_dumpf(verdicts, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	fputc('\n', out);
	json_decref(verdicts);
	return fflush(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT */
/* What a verdict is called, and its users; see verdict.h. */
#include "diagnosis/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/room.h"

bool user_set_has(const struct user_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->names[i] == name)
			return true;
	return false;
}

int user_set_add(struct user_set *s, const char *name)
{
	const char **names;

	if (user_set_has(s, name))
		return 0;
	names = room_for_one(s->names, s->n, &s->room, sizeof *names);
	if (names == NULL)
		return -ENOMEM;
	s->names = names;
	s->names[s->n++] = name;
	return 0;
}

void user_set_remove(struct user_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->names[i] == name) {
			s->names[i] = s->names[--s->n];
			return;
		}
}

void user_set_fini(struct user_set *s)
{
	free(s->names);
	*s = (struct user_set){.n = 0};
}

bool verdict_conclusion_equal(const struct verdict_conclusion *a, const struct verdict_conclusion *b)
{
	return a->kind == b->kind && tomo_path_equal(&a->suspects, &b->suspects);
}

uint64_t verdict_wall_us(const struct verdict *v, uint64_t mono_us)
{
	return mono_us > 0 ? v->drop_wall_us + (mono_us - v->first_us) : 0;
}

bool verdict_exonerates(const struct verdict *v, const struct topology *t)
{
	const struct tomo_path *p = &v->conclusion.suspects;

	if (v->conclusion.kind != VERDICT_FAULT)
		return v->conclusion.kind == VERDICT_EXONERATED;
	for (size_t i = 0; i < p->n; i++)
		if (!topology_is_last_mile(t, p->segments[i]))
			return false;
	return true;
}

static bool convicts_nobody(enum verdict_kind kind)
{
	return kind == VERDICT_EXONERATED || kind == VERDICT_INCONCLUSIVE;
}

bool verdict_counts(const struct verdict *v)
{
	bool turned = v->change == VERDICT_CHANGED && convicts_nobody(v->was.kind);

	return v->change == VERDICT_NEW || (turned && !convicts_nobody(v->conclusion.kind));
}

const char *verdict_kind_name(enum verdict_kind kind)
{
	static const char *const names[] = {
	    [VERDICT_EXONERATED] = "exonerated",
	    [VERDICT_HOST] = "host",
	    [VERDICT_PROBER] = "prober",
	    [VERDICT_UNKNOWN] = "unknown",
	    [VERDICT_INCONCLUSIVE] = "inconclusive",
	};

	return names[kind];
}

const char *verdict_state_name(enum verdict_state state)
{
	static const char *const names[] = {"standing", "healed", "expired"};

	return names[state];
}

const char *verdict_change_name(enum verdict_change change)
{
	static const char *const names[] = {"new", "narrowed", "changed", "users", "again"};

	return names[change];
}

static void segments_put(FILE *out, const struct tomo_path *p, bool with_users)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *segment = p->segments[i];
		size_t n = with_users ? strlen(segment) : segment_base_len(segment);

		fprintf(out, "%s%.*s", i > 0 ? " or " : "", (int)n, segment);
	}
}

char *verdict_name(const struct verdict_conclusion *f, bool with_users)
{
	char *name = NULL;
	size_t len = 0;
	FILE *out;

	if (verdict_kind_name(f->kind) != NULL)
		return strdup(verdict_kind_name(f->kind));
	out = open_memstream(&name, &len);
	if (out == NULL)
		return NULL;
	segments_put(out, &f->suspects, with_users);
	if (fclose(out) == 0)
		return name;
	free(name);
	return NULL;
}

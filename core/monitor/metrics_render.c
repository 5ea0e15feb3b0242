/* SPDX-License-Identifier: MIT */
/* Reading the arenas; see metrics_render.h. */
#include "monitor/metrics_render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/utf8.h"
#include "obs/metrics_arena.h"

/* What is shown of one series: a private copy. */
struct row {
	const struct family *family; /* of the copies below */
	char labels[METRICS_LABELS_MAX];
	uint64_t value, counts[METRICS_BUCKETS_MAX];
	double sum;
};

struct page {
	struct family *families; /* METRICS_ARENAS times METRICS_FAMILIES_MAX */
	struct row *rows;
	size_t n, size;
	uint64_t dropped;
};

/* ---- checking --------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	if (*name >= '0' && *name <= '9')
		return false;
	return *name != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789")] == '\0';
}

/* Behind the pair name="value" that begins here; NULL: none does. */
static const char *pair_end(const char *at)
{
	size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	if (name == 0 || at[name] != '=' || at[name + 1] != '"')
		return NULL;
	for (at += name + 2; *at != '"'; at++) {
		if (*at == '\\')
			at++;
		if (*at == '\0' || *at == '\n')
			return NULL;
	}
	return at + 1;
}

static bool are_labels(const char *labels)
{
	const char *at = labels;

	while (*at != '\0') {
		at = pair_end(at);
		if (!at || (*at != '\0' && (*at++ != ',' || *at == '\0')))
			return false;
	}
	return utf8_valid(labels);
}

/* Labels are escaped, help is not. */
static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || *text == '\\')
			return false;
	return true;
}

static bool family_copy(const struct family *from, struct family *to)
{
	if (!atomic_load(&from->made))
		return false;
	memcpy(to, from, sizeof *to);
	to->name[sizeof to->name - 1] = to->help[sizeof to->help - 1] = '\0';
	return is_name(to->name) && utf8_valid(to->help) && is_printable(to->help) && to->type >= T3OPS_COUNTER &&
	       to->type <= T3OPS_HISTOGRAM && to->n_buckets <= METRICS_BUCKETS_MAX;
}

static double number(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static bool row_copy(const struct series *s, const struct family *f, struct row *to)
{
	to->family = f;
	memcpy(to->labels, s->labels, sizeof to->labels);
	to->labels[sizeof to->labels - 1] = '\0';
	to->value = atomic_load(&s->value);
	to->sum = number(atomic_load(&s->sum));
	for (uint32_t i = 0; i < METRICS_BUCKETS_MAX; i++)
		to->counts[i] = atomic_load(&s->counts[i]);
	return are_labels(to->labels);
}

static bool is_alive(const struct metrics_head *head, uint32_t serial)
{
	uint32_t n = atomic_load(&head->n_alive);

	for (uint32_t i = 0; i < n && i < METRICS_ALIVE_MAX; i++)
		if (atomic_load(&head->alive[i]) == serial)
			return true;
	return serial == 0;
}

static bool is_shown(const struct metrics_head *head, const struct family *f, const struct series *s)
{
	if (atomic_load(&s->hidden))
		return false;
	return f->type != T3OPS_GAUGE || is_alive(head, atomic_load(&s->owner));
}

/* ---- gathering -------------------------------------------------------------------------------- */

static struct row *row_room(struct page *p)
{
	size_t size = p->size > 0 ? 2 * p->size : 512;
	struct row *rows;

	if (p->n < p->size)
		return &p->rows[p->n];
	rows = reallocarray(p->rows, size, sizeof *rows);
	if (!rows)
		return NULL;
	p->rows = rows;
	p->size = size;
	return &p->rows[p->n];
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

static int arena_gather(struct page *p, const struct metrics_head *head, const struct arena *a,
                        struct family *families)
{
	uint32_t n_families = at_most(atomic_load(&a->n_families), METRICS_FAMILIES_MAX);
	uint32_t n_series = at_most(atomic_load(&a->n_series), METRICS_SERIES_MAX);
	bool known[METRICS_FAMILIES_MAX];

	p->dropped += atomic_load(&a->dropped);
	for (uint32_t i = 0; i < n_families; i++)
		known[i] = family_copy(&a->families[i], &families[i]);
	for (uint32_t i = 0; i < n_series; i++) {
		const struct series *s = &a->series[i];
		uint32_t family = s->family;
		struct row *row = row_room(p);

		if (!row)
			return -ENOMEM;
		if (!atomic_load(&s->made))
			continue; /* in the making, or its maker died over it */
		if (family >= n_families || !known[family])
			p->dropped++;
		else if (is_shown(head, &families[family], s) && row_copy(s, &families[family], row))
			p->n++;
	}
	return 0;
}

static int by_name_and_labels(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int order = strcmp(a->family->name, b->family->name);

	return order != 0 ? order : strcmp(a->labels, b->labels);
}

static bool is_same_kind(const struct family *a, const struct family *b)
{
	return a->type == b->type && a->n_buckets == b->n_buckets &&
	       memcmp(a->buckets, b->buckets, a->n_buckets * sizeof a->buckets[0]) == 0;
}

static void row_merge(struct row *into, const struct row *other)
{
	if (into->family->type == T3OPS_GAUGE)
		return;
	into->value += other->value;
	into->sum += other->sum;
	for (uint32_t i = 0; i < METRICS_BUCKETS_MAX; i++)
		into->counts[i] += other->counts[i];
}

/* One family of a name, one row of a family and its labels. */
static void rows_merge(struct page *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct row *row = &p->rows[i], *last = kept > 0 ? &p->rows[kept - 1] : NULL;

		if (last && strcmp(last->family->name, row->family->name) == 0) {
			if (!is_same_kind(last->family, row->family)) {
				p->dropped++;
				continue;
			}
			row->family = last->family;
			if (strcmp(last->labels, row->labels) == 0) {
				row_merge(last, row);
				continue;
			}
		}
		p->rows[kept++] = *row;
	}
	p->n = kept;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void histogram_write(const struct row *r, FILE *out)
{
	const struct family *f = r->family;
	const char *comma = r->labels[0] != '\0' ? "," : "";
	uint64_t sum = 0;

	for (uint32_t b = 0; b < f->n_buckets; b++) {
		sum += r->counts[b];
		fprintf(out, "%s_bucket{%s%sle=\"%.12g\"} %llu\n", f->name, r->labels, comma, f->buckets[b],
		        (unsigned long long)sum);
	}
	fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", f->name, r->labels, comma, (unsigned long long)r->value);
	fprintf(out, "%s_sum{%s} %.12g\n", f->name, r->labels, r->sum);
	fprintf(out, "%s_count{%s} %llu\n", f->name, r->labels, (unsigned long long)r->value);
}

static void row_write(const struct row *r, FILE *out)
{
	const char *open = r->labels[0] != '\0' ? "{" : "", *close = r->labels[0] != '\0' ? "}" : "";

	if (r->family->type == T3OPS_HISTOGRAM)
		histogram_write(r, out);
	else if (r->family->type == T3OPS_GAUGE)
		fprintf(out, "%s%s%s%s %.15g\n", r->family->name, open, r->labels, close, number(r->value));
	else
		fprintf(out, "%s%s%s%s %llu\n", r->family->name, open, r->labels, close,
		        (unsigned long long)r->value);
}

static void page_write(const struct page *p, FILE *out)
{
	static const char *const types[] = {"untyped", "counter", "gauge", "histogram"};

	for (size_t i = 0; i < p->n; i++) {
		const struct family *f = p->rows[i].family;

		if (i == 0 || f != p->rows[i - 1].family)
			fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, types[f->type]);
		row_write(&p->rows[i], out);
	}
	fprintf(out,
	        "# HELP t3ops_metrics_dropped_total Look-ups of a metric series that found no room.\n"
	        "# TYPE t3ops_metrics_dropped_total counter\nt3ops_metrics_dropped_total %llu\n",
	        (unsigned long long)p->dropped);
}

int metrics_render(const struct metrics *m, FILE *out)
{
	const struct metrics_memory *all = metrics_memory(m);
	struct page p = {.families = calloc(METRICS_ARENAS * METRICS_FAMILIES_MAX, sizeof *p.families)};
	int r = p.families && all ? 0 : -ENOMEM;

	for (unsigned i = 0; i < METRICS_ARENAS && r == 0; i++)
		r = arena_gather(&p, all->head, all->arenas[i], &p.families[(size_t)i * METRICS_FAMILIES_MAX]);
	if (r == 0) {
		if (p.n > 0)
			qsort(p.rows, p.n, sizeof *p.rows, by_name_and_labels);
		rows_merge(&p);
		page_write(&p, out);
	}
	free(p.rows);
	free(p.families);
	return r;
}

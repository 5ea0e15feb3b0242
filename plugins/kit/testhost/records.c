/* SPDX-License-Identifier: MIT */
/* What the plugin says: log lines, events, faults of options, metrics. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "records.h"

struct series {
	unsigned metric;
	const char *labels[4];
	double value, sum;
};

static struct testhost_said *said_add(struct testhost *h, struct testhost_list *to, const char *kind,
                                      const char *text)
{
	struct testhost_said *said = testhost_alloc(h, sizeof *said);

	said->kind = testhost_keep(h, kind);
	said->text = testhost_keep(h, text);
	said->user = "";
	testhost_list_add(to, said);
	return said;
}

static const struct testhost_said *said_find(const struct testhost_list *l, const char *kind, size_t nth)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct testhost_said *said = l->items[i];

		if ((kind == NULL || strcmp(said->kind, kind) == 0) && nth-- == 0)
			return said;
	}
	return NULL;
}

const struct testhost_said *testhost_logged(const struct testhost *h, const char *kind, size_t i)
{
	return said_find(&h->logged, kind, i);
}

const struct testhost_said *testhost_emitted(const struct testhost *h, const char *kind, size_t i)
{
	return said_find(&h->emitted, kind, i);
}

const struct testhost_said *testhost_fault(const struct testhost *h, const char *kind, size_t i)
{
	return said_find(&h->faults, kind, i);
}

/* ---- services -------------------------------------------------------------------------------------------- */

static void T3OPS_PRINTF(4, 5) host_log(struct t3ops_ctx *ctx, int level, const char *event, const char *fmt, ...)
{
	struct testhost *h = testhost_of(ctx);
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	said_add(h, &h->logged, event, text)->level = level;
}

static void T3OPS_PRINTF(4, 5)
    option_fault(struct t3ops_ctx *ctx, int level, const char *option, const char *fmt, ...)
{
	struct testhost *h = testhost_of(ctx);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	said_add(h, &h->faults, option, text)->level = level;
}

static void emit(struct t3ops_ctx *ctx, const char *kind, const char *user, int code, const char *text)
{
	struct testhost *h = testhost_of(ctx);
	struct testhost_said *said = said_add(h, &h->emitted, kind != NULL ? kind : "note", text);

	said->user = testhost_keep(h, user);
	said->code = code;
	said->level = T3OPS_INFO;
}

static void emit_browser(struct t3ops_ctx *ctx, const char *kind, const char *user,
                         const struct t3ops_browser *browser, int code, const char *text)
{
	(void)browser;
	emit(ctx, kind, user, code, text);
}

/* ---- metrics --------------------------------------------------------------------------------------------- */

static size_t labels_of(const struct t3ops_metric *row)
{
	size_t n = 0;

	while (n < 4 && row->labels[n] != NULL)
		n++;
	return n;
}

static bool is_series(const struct series *s, unsigned metric, const char *const *labels, size_t n)
{
	if (s->metric != metric)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(s->labels[i], labels[i]) != 0)
			return false;
	return true;
}

static struct series *series_find(const struct testhost *h, unsigned metric, const char *const *labels)
{
	size_t n = labels_of(&h->plugin->metrics[metric]);

	if (n > 0 && labels == NULL)
		testhost_die(h, "metric %s has %zu labels, and is used without", h->plugin->metrics[metric].name, n);
	for (size_t i = 0; i < h->series.n; i++)
		if (is_series(h->series.items[i], metric, labels, n))
			return h->series.items[i];
	return NULL;
}

static struct series *series_get(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint32_t type)
{
	struct testhost *h = testhost_of(ctx);
	struct series *s;

	if (metric >= h->plugin->n_metrics)
		testhost_die(h, "uses metric %u, but its table has %u", metric, h->plugin->n_metrics);
	if (h->plugin->metrics[metric].type != type)
		testhost_die(h, "uses metric %s as another type than it declares", h->plugin->metrics[metric].name);
	s = series_find(h, metric, labels);
	if (s != NULL)
		return s;
	s = testhost_alloc(h, sizeof *s);
	s->metric = metric;
	for (size_t i = 0; i < labels_of(&h->plugin->metrics[metric]); i++)
		s->labels[i] = testhost_keep(h, labels[i]);
	testhost_list_add(&h->series, s);
	return s;
}

static void count(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint64_t add)
{
	series_get(ctx, metric, labels, T3OPS_COUNTER)->value += (double)add;
}

static void gauge(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	series_get(ctx, metric, labels, T3OPS_GAUGE)->value = value;
}

static void observe(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	struct series *s = series_get(ctx, metric, labels, T3OPS_HISTOGRAM);

	s->value += 1;
	s->sum += value;
}

static const struct series *series_of(const struct testhost *h, const char *name, const char *const *labels)
{
	for (unsigned i = 0; i < h->plugin->n_metrics; i++)
		if (strcmp(h->plugin->metrics[i].name, name) == 0)
			return series_find(h, i, labels);
	testhost_die(h, "its table has no metric %s", name);
}

double testhost_metric(const struct testhost *h, const char *name, const char *const *labels)
{
	const struct series *s = series_of(h, name, labels);

	return s != NULL ? s->value : 0;
}

double testhost_metric_sum(const struct testhost *h, const char *name, const char *const *labels)
{
	const struct series *s = series_of(h, name, labels);

	return s != NULL ? s->sum : 0;
}

void testhost_records_fill(struct t3ops_host *s)
{
	s->log = host_log;
	s->option_fault = option_fault;
	s->emit = emit;
	s->emit_browser = emit_browser;
	s->count = count;
	s->gauge = gauge;
	s->observe = observe;
}

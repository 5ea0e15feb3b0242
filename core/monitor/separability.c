/* SPDX-License-Identifier: MIT */
/* Sets of segments, and sections to add; see separability.h. */
#include "monitor/separability.h"

#include <string.h>

#include "conf/process_config.h"
#include "diagnosis/identifiability.h"
#include "monitor/path_config.h"

struct claims {
	const struct resolved_config *config;
	FILE *out;
};

/* ---- lists of words -------------------------------------------------------------------------------------------- */

/* "a, b and c" */
static void names_print(const struct claims *c, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(c->out, "%s%s", i == 0 ? "" : i + 1 == n ? " and " : ", ", names[i]);
}

static void classes_print(const struct claims *c, unsigned classes)
{
	static const char *const all[FAULT_CLASSES] = {"loud", "silent", "brief", "large-message"};
	const char *names[FAULT_CLASSES];
	size_t n = 0;

	for (unsigned i = 0; i < FAULT_CLASSES; i++)
		if (classes & 1u << i)
			names[n++] = all[i];
	names_print(c, names, n);
}

/* ---- the leg that would tell
 * --------------------------------------------------------------------------------------- */

static bool is_leg(const struct plugin_section *s)
{
	return (s->roles & T3OPS_ROLE_LEG) && !s->per_user;
}

/* Its option that says where to connect; NULL: it has none. */
static const char *address_option(const struct plugin_section *s)
{
	for (size_t i = 0; i < s->values.n; i++)
		if (s->values.rows[i].value.type == T3OPS_OPT_ADDRESS)
			return s->values.rows[i].name;
	return NULL;
}

/* A leg that can be pinned to an address and ends where the new one has to. */
static const struct plugin_section *template_find(const struct resolved_config *c, const char *last)
{
	for (size_t i = 0; i < c->n_plugins; i++) {
		const struct plugin_section *s = &c->plugins[i];
		const struct text_list *segments = &s->leg.segments;

		if (is_leg(s) && segments->n > 0 && strcmp(segments->items[segments->n - 1], last) == 0 &&
		    address_option(s))
			return s;
	}
	return NULL;
}

/* From that segment of the users' path on, to the last one that they share. */
static void segments_print(const struct claims *c, const struct text_list *path, size_t first, size_t end)
{
	fputs("segments = {", c->out);
	for (size_t i = first; i < end; i++)
		fprintf(c->out, "%s\"%s\"", i == first ? "" : ", ", path->items[i]);
	fputs("}", c->out);
}

/* A URL option, plain where t3ops itself is entered, which ends no TLS: "wss://" becomes "ws://". */
static void url_print(const struct claims *c, const char *name, const char *url, bool plain)
{
	const char *rest = strstr(url, "://");
	bool cut = plain && (strncmp(url, "wss:", 4) == 0 || strncmp(url, "https:", 6) == 0);

	if (cut && rest)
		fprintf(c->out, "%s = \"%.*s%s\" ", name, (int)(rest - url - 1), url, rest);
	else
		fprintf(c->out, "%s = \"%s\" ", name, url);
}

/* The template's own URL, another address, other segments. */
static void section_print(const struct claims *c, const struct plugin_section *like, const struct text_list *path,
                          size_t first, size_t end)
{
	fprintf(c->out, ": add plugin \"%s_%s\" { module = \"%s\" ", like->module, path->items[first], like->module);
	for (size_t i = 0; i < like->values.n; i++) {
		uint32_t type = like->values.rows[i].value.type;

		if (type == T3OPS_OPT_URL || type == T3OPS_OPT_WS_URL)
			url_print(c, like->values.rows[i].name, like->values.rows[i].value.text, first + 1 == end);
	}
	fprintf(c->out, "%s = \"ADDRESS of %s\" ", address_option(like), path->items[first]);
	segments_print(c, path, first, end);
	fputs(" }", c->out);
}

static size_t path_index(const struct text_list *path, const char *segment)
{
	size_t i = 0;

	while (i < path->n && strcmp(path->items[i], segment) != 0)
		i++;
	return i;
}

/* Whether its first segment is one that every user has of their own: no leg crosses that. */
static bool begins_at_users(const struct resolved_config *c, const struct tomo_path *set)
{
	const struct text_list *path = &c->options.user_path;

	return path->n > 1 && strcmp(set->segments[0], path->items[0]) == 0 &&
	       text_list_has(&c->options.per_user, path->items[0]);
}

static void leg_print(const struct claims *c, const struct tomo_path *set)
{
	const struct text_list *path = &c->config->options.user_path;
	bool outer = begins_at_users(c->config, set);
	const char *entrance = outer ? set->segments[1] : set->segments[set->n - 1];
	size_t first = path_index(path, entrance), end = path->n > 1 ? path->n - 1 : path->n;
	bool elsewhere = !outer && set->n == 2 && first == 2; /* nobody leaves here without the first one */
	const struct plugin_section *like = first < end && !outer && !elsewhere
	                                        ? template_find(c->config, path->items[end - 1])
	                                        : NULL;

	if (first >= end) {
		fprintf(c->out, "a leg that crosses %s alone would tell", entrance);
		return;
	}
	fprintf(c->out, "a leg %s %s would tell",
	        elsewhere ? "from elsewhere through"
	        : outer   ? "through"
	                  : "that enters at",
	        entrance);
	if (like) {
		section_print(c, like, path, first, end);
	} else {
		fputs(": add one with ", c->out);
		segments_print(c, path, first, end);
	}
}

/* ---- lines
 * ------------------------------------------------------------------------------------------------------------ */

static void row_print(const struct claims *c, const struct inseparable *row)
{
	classes_print(c, row->classes);
	fputs(" faults cannot be told apart: ", c->out);
	names_print(c, row->segments.segments, row->segments.n);
	fputs(" (", c->out);
	leg_print(c, &row->segments);
	fputs(")\n", c->out);
}

/* A leg comes to its edge over other segments, as users do, and so may be answered by one of many entrances; one that
 * begins there enters at an address of its own. */
static bool has_way_to_edge(const struct leg_shape *leg)
{
	return !leg->per_user && leg->edge && leg->segments.n > 1 && strcmp(leg->segments.names[0], leg->edge) != 0;
}

/* The segment nearest to the users that ends a leg's TCP and TLS: a network with many entrances, perhaps.  NULL: no
 * leg says. */
static const char *entrance_find(const struct claims *c, const struct path_shape *shape)
{
	const struct text_list *path = &c->config->options.user_path;
	size_t nearest = path->n;

	for (size_t i = 0; i < shape->n_legs; i++) {
		size_t at = has_way_to_edge(&shape->legs[i]) ? path_index(path, shape->legs[i].edge) : path->n;

		nearest = at < nearest ? at : nearest;
	}
	return nearest < path->n ? path->items[nearest] : NULL;
}

/* A leg speaks for its own location. */
static void locations_print(const struct claims *c, const struct path_shape *shape)
{
	const struct text_list *path = &c->config->options.user_path;
	const char *entrance = entrance_find(c, shape);

	if (!entrance || path->n == 0 || !text_list_has(&c->config->options.per_user, path->items[0]))
		return;
	fprintf(c->out,
	        "faults of one location of %s cannot be told apart: %s and %s, of a user who alone comes over it "
	        "(a leg that goes over it would tell: one runs where that user's provider is)\n",
	        entrance, path->items[0], entrance);
}

static void found_print(const struct claims *c, const struct identifiability *found)
{
	unsigned apart = found->played & ~found->classes;

	if (apart != 0) {
		fputs("segments: ", c->out);
		classes_print(c, apart);
		fprintf(c->out, " faults of all %zu can be told apart\n", found->n_segments);
	}
	for (size_t i = 0; i < found->n; i++)
		row_print(c, &found->rows[i]);
}

static void shape_print(const struct claims *c, const struct path_shape *shape)
{
	struct identifiability found = {.n = 0};
	struct topology *t = NULL;

	if (shape->n_legs == 0) {
		fputs("segments: no leg is configured; the cause of a drop can only be the user's path or the t3 "
		      "server\n",
		      c->out);
	} else if (identifiability_find(shape, &t, &found) == 0) {
		found_print(c, &found);
		locations_print(c, shape);
	}
	identifiability_fini(&found);
	topology_free(t);
}

void separability_print(const struct resolved_config *c, FILE *out)
{
	struct claims claims = {c, out};
	const struct process_config monitor = {
	    .core = c->options, .sections = c->plugins, .n_sections = c->n_plugins};
	struct path_shape shape;

	if (!process_is_wanted(c, PROCESS_PROXY)) {
		fputs(
		    "segments: no request plugin is configured, so no users drop here, and user_path is not judged\n",
		    out);
		return;
	}
	if (path_config_read(&monitor, &shape) == 0) {
		shape_print(&claims, &shape);
		path_config_fini(&shape);
	}
}

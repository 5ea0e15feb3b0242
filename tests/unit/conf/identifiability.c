/* SPDX-License-Identifier: MIT */
/* Which segments legs can report apart. */
#include "conf/identifiability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One section: the first letter says which. */
static const struct shape {
	char letter;
	uint32_t roles;
	const char *name, *segments, *edge, *resolver;
} shapes[] = {
    {'c', T3OPS_ROLE_LEG, "cf", "wan cloudflare tunnel traefik dispatch", "cloudflare", "wan dns"},
    {'i', T3OPS_ROLE_LEG, "int", "traefik dispatch", "", ""},
    {'s', T3OPS_ROLE_LEG, "srv", "serve", "", ""},
    {'j', T3OPS_ROLE_JOB, "backup", "", "", ""},
};

static const struct {
	const char *what, *plugins, *want;
} rows[] = {
    {"the three legs", "cisj", "segments: all 8 can be told apart\n"},
    {"without the inner leg", "cs",
     "segments that cannot be told apart: tunnel, traefik and dispatch (the same legs cross them: cf; a leg that "
     "crosses "
     "only one of them would tell)\n"},
    {"without the outer leg", "is",
     "segments that cannot be told apart: last_mile, wan, cloudflare and tunnel (no leg crosses any of them; a "
     "leg that "
     "crosses only one of them would tell)\n"},
    {"without the legs to the t3 servers", "ci",
     "segments that cannot be told apart: last_mile and serve (no leg crosses any of them; a leg that crosses "
     "only one of "
     "them would tell)\n"},
    {"no leg at all", "j",
     "segments: no leg is configured; the cause of a drop can only be the user's path or the t3 server\n"},
};

static struct text_list list_of(const char *words)
{
	static const struct t3ops_option row = {.name = "it", .type = T3OPS_OPT_LIST};
	struct t3ops_option o = row;
	struct option_value value;
	char why[64];

	o.fallback = words;
	assert_true(option_fallback(&o, &value, why, sizeof why));
	return value.list;
}

static void list_free(struct text_list list)
{
	struct option_value value = {.type = T3OPS_OPT_LIST, .list = list};

	option_value_fini(&value);
}

static void section_make(struct plugin_section *s, char letter)
{
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		if (shapes[i].letter == letter)
			*s = (struct plugin_section){.name = (char *)(uintptr_t)shapes[i].name,
			                             .roles = shapes[i].roles,
			                             .leg = {.segments = list_of(shapes[i].segments),
			                                     .edge = shapes[i].edge,
			                                     .resolver_segments = list_of(shapes[i].resolver)}};
}

static void table(void **state)
{
	struct plugin_section sections[4];
	struct resolved_config c = {
	    .plugins = sections,
	    .options.user_path = list_of("last_mile wan cloudflare tunnel traefik dispatch serve")};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *said = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&said, &len);

		for (c.n_plugins = 0; rows[i].plugins[c.n_plugins]; c.n_plugins++)
			section_make(&sections[c.n_plugins], rows[i].plugins[c.n_plugins]);
		identifiability_print(&c, out);
		fclose(out);
		if (strcmp(said, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].what, said);
		free(said);
		for (size_t k = 0; k < c.n_plugins; k++) {
			list_free(sections[k].leg.segments);
			list_free(sections[k].leg.resolver_segments);
		}
	}
	list_free(c.options.user_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

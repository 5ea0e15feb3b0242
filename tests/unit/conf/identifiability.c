/* SPDX-License-Identifier: MIT */
/* Which segments legs can report apart. */
#include "conf/identifiability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CF                                                                                                           \
	"{\"name\":\"cf\",\"roles\":2,\"options\":{\"segments\":[\"wan\",\"cloudflare\",\"tunnel\",\"traefik\","     \
	"\"dispatch\"],"                                                                                             \
	"\"edge\":\"cloudflare\",\"resolver_segments\":[\"wan\",\"dns\"]}}"
#define INT                                                                                                          \
	"{\"name\":\"int\",\"roles\":2,\"options\":{\"segments\":[\"traefik\",\"dispatch\"],\"edge\":\"\","          \
	"\"resolver_segments\":[]}}"
#define SRV                                                                                                          \
	"{\"name\":\"srv\",\"roles\":2,\"options\":{\"segments\":[\"serve\"],\"edge\":\"\",\"resolver_segments\":"   \
	"[]}}"
#define JOB "{\"name\":\"backup\",\"roles\":4,\"options\":{}}"

static const struct {
	const char *what, *plugins, *want;
} rows[] = {
    {"the three legs", CF "," INT "," SRV "," JOB, "segments: every one of 8 can be reported apart\n"},
    {"without the inner leg", CF "," SRV,
     "segments that cannot be reported apart: tunnel, traefik and dispatch (the same legs cross them: cf; a leg that "
     "crosses "
     "only one of them would report)\n"},
    {"without the outer leg", INT "," SRV,
     "segments that cannot be reported apart: last_mile, wan, cloudflare and tunnel (no leg crosses any of them; a "
     "leg that "
     "crosses only one of them would report)\n"},
    {"without the legs to the instances", CF "," INT,
     "segments that cannot be reported apart: last_mile and serve (no leg crosses any of them; a leg that crosses "
     "only one of "
     "them would report)\n"},
    {"no leg at all", JOB,
     "segments: no leg is configured; a drop can only be said to be the user's path or the instance\n"},
};

static void table(void **state)
{
	json_t *core = json_loads(
	    "{\"core\":{\"user_path\":[\"last_mile\",\"wan\",\"cloudflare\",\"tunnel\",\"traefik\","
	    "\"dispatch\",\"serve\"]}}",
	    0, NULL);

	(void)state;
	assert_non_null(core);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[2048], *said = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&said, &len);
		json_t *plugins;

		snprintf(text, sizeof text, "{\"plugins\":[%s]}", rows[i].plugins);
		plugins = json_loads(text, 0, NULL);
		assert_non_null(plugins);
		identifiability_print(core, plugins, out);
		fclose(out);
		if (strcmp(said, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].what, said);
		free(said);
		json_decref(plugins);
	}
	json_decref(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

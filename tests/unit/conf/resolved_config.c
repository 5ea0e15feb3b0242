/* SPDX-License-Identifier: MIT */
/* Whole config files: what they mean, which errors are reported at which line, and what each process sees. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/check.h"
#include "conf/process_config.h"
#include "conf/resolve_child.h"
#include "conf/resolved_config_json.h"
#include "../plugin_dir.h"

/* The account that must exist when root runs the test. */
#define HEAD         "user = \"nobody\" plugin_dir = \"@\"\n" /* line 1; @: the directory */
#define MINT         "command \"mint\" { argv = {\"/bin/true\"} }\n"
#define REST_BUT_LEG "plugin \"sample_request\" {}\nplugin \"sample_job\" { to = \"/b\" }\n"
#define REST         REST_BUT_LEG "plugin \"sample_leg\" {}\n"
#define SECOND       1000000

struct lab {
	struct plugin_dir directory;
	char received[6000];
	struct resolved_config *config;
};

static void receive(void *arg, enum config_severity severity, const char *line)
{
	struct lab *lab = arg;
	size_t used = strlen(lab->received);

	(void)severity;
	snprintf(lab->received + used, sizeof lab->received - used, "%s\n", line);
}

static int setup(void **state)
{
	static const char *const modules[] = {"sample_request", "sample_leg", "sample_job",
	                                      "wrong_major",    "no_symbol",  "crash_on_load"};
	struct lab *lab = calloc(1, sizeof *lab);

	plugin_dir_init(&lab->directory);
	for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
		plugin_dir_add(&lab->directory, modules[i], modules[i]);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	plugin_dir_fini(&lab->directory);
	free(lab);
	return 0;
}

static void forget(struct lab *lab)
{
	resolved_config_free(lab->config);
	lab->config = NULL;
	lab->received[0] = '\0';
}

/* Text with @ replaced by the directory; to be freed. */
static char *text_of(const struct lab *lab, const char *text)
{
	const char *at = strchr(text, '@');
	char *out;

	if (asprintf(&out, "%.*s%s%s", at ? (int)(at - text) : (int)strlen(text), text, at ? lab->directory.path : "",
	             at ? at + 1 : "") < 0)
		abort();
	return out;
}

static bool make(struct lab *lab, const char *text)
{
	char *whole = text_of(lab, text);
	struct conf_text t = {(char *)(uintptr_t) "f", whole, strlen(whole)};

	forget(lab);
	lab->config = resolve_in_child(&t, NULL, receive, lab);
	free(whole);
	return lab->config != NULL;
}

/* ---- config_errors ----------------------------------------------------------------------------------- */

struct config_error_case {
	const char *text;
	const char *lines; /* beginnings of the lines, separated by | */
};

static const struct config_error_case config_error_cases[] = {
    {HEAD "listne = {\"127.0.0.1:1\"}", "f:2: unknown option \"listne\"; did you mean \"listen\"?"},
    {HEAD "listen = {\"localhost:80\"}\n# c\nstatus_listen = \"x\"",
     "f:2: listen: \"localhost:80\"|f:4: status_listen = \"x\""},
    {HEAD "trusted_proxies = {\"10.0.0.0/33\", \"10.0.0.0/8\"}", "f:2: trusted_proxies: \"10.0.0.0/33\""},
    {HEAD "public_paths = {\"/probe\", \"/a/\"}", "f:2: public_paths: \"/a/\": expected the path of a URL"},
    {HEAD "public_paths = {\"/\", \"a\"}", "f:2: public_paths: \"/\"|f:2: public_paths: \"a\""},
    {HEAD "allowed_origins = {\"https://a\", \"https://b/c\"}", "f:2: allowed_origins: \"https://b/c\""},
    {HEAD "log_level = \"loud\"", "f:2: log_level = \"loud\""},
    {HEAD "identity_header = \"X y\"", "f:2: identity_header = \"X y\""},
    {HEAD "upstream_env = \"/etc/x\"", "f:2: upstream_env"},
    {HEAD "user = \"root\"", "f:2: user is given twice"},
    {"user = \"root\"\nplugin_dir = \"@\"", "f:1: user = \"root\": expected an account that is not root"},
    {HEAD "trusted_proxies = {\"10.0.20.5/24\"}",
     "f:2: trusted_proxies: \"10.0.20.5/24\": expected no bits set beyond /24; did you mean \"10.0.20.0/24\"?"},
    {HEAD "user_path = {\"a\", \"a\"}\nper_user = {}", "f:2: user_path: duplicate segment \"a\""},
    {HEAD "user_path = {\"a\"}\nper_user = {\"b\"}",
     "f:3: per_user: segment \"b\", of per_user, is not in user_path"},
    {HEAD "max_connections = 1", "f:2: max_connections = \"1\": expected 16 to 1000000"},
    /* sections */
    {HEAD "plugin \"sample_leg\" {}\nplugin \"sample_leg\" {}",
     "f:3: plugin \"sample_leg\" is a duplicate of line 2; a second one needs a name of its own"},
    {HEAD "command \"c\" { argv = {\"/bin/true\"} }\ncommand \"c\" { argv = {\"/bin/true\"} }",
     "f:3: command \"c\" is a duplicate of line 2"},
    {HEAD "plugin \"a b\" { module = \"sample_leg\" }", "f:2: plugin \"a b\": expected a name"},
    {HEAD "command \"c\" {}", "f:2: command c: argv is missing"},
    {HEAD "command \"c\" {\n argv = {\"true\"} }",
     "f:3: command c: argv: \"true\": expected the program's absolute path"},
    {HEAD "command \"c\" { argv = {\"/bin/echo\", \"%x\"} }", "f:2: command c: argv: \"%x\": expected %u, %h"},
    /* loading */
    {HEAD "plugin \"absent\" {}", "f:2: plugin absent: "},
    {HEAD "plugin \"x\" {\n module = \"absent\" }", "f:3: plugin x: "},
    {HEAD "# c\nplugin \"wrong_major\" {}", "f:3: plugin wrong_major: "},
    {HEAD "plugin \"no_symbol\" {}", "f:2: plugin no_symbol: "},
    {HEAD "\nplugin \"crash_on_load\" {}", "f:3: plugin crash_on_load: loading "},
    /* options of plugins, after comments of every kind */
    {HEAD "# c\n/* c\n c */ plugin \"sample_leg\" { // c\n # c\n heartbaet = \"1s\"\n}",
     "f:6: plugin sample_leg: unknown option \"heartbaet\"; did you mean \"heartbeat\"?"},
    {HEAD "plugin \"sample_leg\" {\n heartbeat = \"30s\" }",
     "f:3: plugin sample_leg: heartbeat = \"30s\": expected less than watchdog, which is \"20s\""},
    {HEAD "plugin \"sample_leg\" {\n segments = {\"a\", \"b\"}\n edge = \"c\" }",
     "f:4: plugin sample_leg: edge = \"c\": expected one of the leg's segments"},
    {HEAD "plugin \"sample_leg\" {\n url = \"https://x\" }",
     "f:3: plugin sample_leg: url = \"https://x\": expected the URL of a WebSocket"},
    {HEAD "plugin \"sample_job\" {}", "f:2: plugin sample_job: to is missing"},
    {HEAD "plugin \"sample_job\" { to = \"/b\"\n at = \"25:00\" }", "f:3: plugin sample_job: at = \"25:00\""},
    {HEAD "plugin \"sample_job\" { to = \"/b\" at = \"03:30\"\n every = \"1h\" }",
     "f:3: plugin sample_job: every: expected either at or every"},
    {HEAD "plugin \"sample_job\" { to = \"/b\"\n tool = \"hammer\" }",
     "f:3: plugin sample_job: tool = \"hammer\": there is no section command \"hammer\""},
    {HEAD "plugin \"sample_request\" {}", "f:2: plugin sample_request: command = \"mint\": there is no section"},
    /* defaults of legs */
    {HEAD "leg_defaults { heartbaet = \"1s\" }\nplugin \"sample_leg\" {}",
     "f:2: leg_defaults: unknown option \"heartbaet\"; did you mean \"heartbeat\"?"},
    {HEAD "leg_defaults { segments = {\"a\"} }\nplugin \"sample_leg\" {}",
     "f:2: leg_defaults: unknown option \"segments\""},
    {HEAD "leg_defaults {\n heartbeat = \"30s\" }\nplugin \"sample_leg\" {}",
     "f:3: leg_defaults: heartbeat = \"30s\": expected less than watchdog, which is \"20s\""},
    {HEAD "leg_defaults { watchdog = \"5s\" heartbeat = \"1s\" }\nplugin \"sample_leg\" {\n heartbeat = \"6s\" }",
     "f:4: plugin sample_leg: heartbeat = \"6s\": expected less than watchdog, which is \"5s\""},
    {HEAD "leg_defaults { fresh = \"1s\" }\nleg_defaults {}\nplugin \"sample_leg\" {}",
     "f:3: leg_defaults is a duplicate of line 2"},
    {HEAD "leg_defaults { timeout = \"1ms\" }\nplugin \"sample_leg\" {}",
     "f:2: leg_defaults: timeout = \"1ms\": expected 100ms to 10m"},
    /* an error in one section hides none in another */
    {HEAD "keep = 1\nplugin \"sample_job\" { to = \"b\" }\nplugin \"sample_leg\" { nope = 1 }\ncommand \"c\" { argv "
          "= {} }",
     "f:2: unknown option \"keep\"|f:5: command c: argv|f:3: plugin sample_job: to = \"b\"|f:4: plugin sample_leg: "
     "unknown"},
    /* form */
    {HEAD "plugin \"sample_leg\" {\n heartbeat = \"1s\"\n", "f:2: plugin \"sample_leg\" is not closed"},
    {HEAD "a = \"x\xff\"", "f:2: "},
};

static void lines_compare(const struct config_error_case *c, const char *received)
{
	const char *want = c->lines;

	while (*want) {
		size_t len = strcspn(want, "|");

		if (strncmp(received, want, len) != 0)
			fail_msg("<%s>\nexpected <%.*s>\nheard\n%s", c->text, (int)len, want, received);
		received += strcspn(received, "\n") + 1;
		want += len + (want[len] == '|');
	}
}

static void test_errors(void **state)
{
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof config_error_cases / sizeof config_error_cases[0]; i++) {
		assert_false(make(lab, config_error_cases[i].text));
		assert_int_equal(errno, EINVAL);
		lines_compare(&config_error_cases[i], lab->received);
	}
	forget(lab);
}

/* One line per error: the well-known ones once each. */
static void test_errors_are_single(void **state)
{
	static const char *const texts[] = {HEAD "plugin \"wrong_major\" {}", HEAD "plugin \"crash_on_load\" {}",
	                                    HEAD "plugin \"sample_leg\" { nope = 1 }", HEAD "listen = {\"x\"}"};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *newline;

		make(lab, texts[i]);
		newline = strchr(lab->received, '\n');
		if (!newline || newline[1])
			fail_msg("<%s> made\n%s", texts[i], lab->received);
	}
	forget(lab);
}

static void test_world_writable(void **state)
{
	struct lab *lab = *state;
	char path[256];

	plugin_dir_file(&lab->directory, "sample_leg.so", path, sizeof path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_false(make(lab, HEAD "plugin \"sample_leg\" {}"));
	assert_non_null(strstr(lab->received, "mode 0666"));
	assert_int_equal(strncmp(lab->received, "f:2: plugin sample_leg: ", 24), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(make(lab, HEAD "plugin \"sample_leg\" {}"));
	forget(lab);
}

/* A bad plugin takes no other section's check with it, unless it kills the checking process. */
static void test_others_are_checked(void **state)
{
	struct lab *lab = *state;

	make(lab, HEAD "plugin \"wrong_major\" {}\nplugin \"sample_leg\" { nope = 1 }");
	assert_non_null(strstr(lab->received, "f:2: plugin wrong_major: "));
	assert_non_null(strstr(lab->received, "f:3: plugin sample_leg: unknown option \"nope\""));
	forget(lab);
}

/* ---- meaning --------------------------------------------------------------------------------------- */

/* leg_defaults holds for all legs, wherever it stands, and a leg's own section goes first. */
static void test_leg_defaults(void **state)
{
	struct lab *lab = *state;

	assert_true(make(lab, HEAD "plugin \"first\"  { module = \"sample_leg\" heartbeat = \"2s\" }\n"
	                           "leg_defaults { heartbeat = \"5s\" late = \"500ms\" }\n"
	                           "plugin \"second\" { module = \"sample_leg\" late = \"1s\" }\n"));
	assert_int_equal(lab->config->n_plugins, 2);
	assert_int_equal(lab->config->plugins[0].leg.heartbeat_us, 2 * SECOND);
	assert_int_equal(lab->config->plugins[0].leg.late_us, SECOND / 2);
	assert_int_equal(lab->config->plugins[1].leg.heartbeat_us, 5 * SECOND);
	assert_int_equal(lab->config->plugins[1].leg.late_us, SECOND);
	assert_int_equal(lab->config->plugins[1].leg.watchdog_us, 20 * SECOND);
	forget(lab);
}

static const char good[] = HEAD MINT
    "listen = {\"127.0.0.1:0\", \"[::1]:0\"}\n"
    "plugin \"sample_request\" {}\n"
    "plugin \"first\"  { module = \"sample_leg\" heartbeat = \"2s\" }\n"
    "plugin \"second\" { module = \"sample_leg\" segments = {\"wan2\", \"tunnel\"} }\n"
    "plugin \"sample_job\" { to = \"/backups\" at = \"03:30\" tool = \"mint\" keep = 3 }\n";

static void test_meaning(void **state)
{
	struct lab *lab = *state;
	const struct core_options *core;
	const struct plugin_section *s;

	if (!make(lab, good))
		fail_msg("%s", lab->received);
	core = &lab->config->options;
	assert_int_equal(core->listen.n, 2);
	assert_string_equal(core->listen.items[1], "[::1]:0");
	assert_string_equal(core->identity_header, "X-authentik-username");
	assert_int_equal(core->header_timeout_us, 15 * SECOND);
	assert_false(core->identity_strip_domain);
	assert_int_equal(lab->config->n_plugins, 4);
	/* in the order of the file; a leg's defaults are its plugin's */
	s = &lab->config->plugins[1];
	assert_string_equal(s->name, "first");
	assert_string_equal(s->module, "sample_leg");
	assert_true(s->per_user);
	assert_int_equal(s->leg.heartbeat_us, 2 * SECOND);
	assert_string_equal(s->leg.segments.items[0], "wan");
	assert_string_equal(s->leg.edge, "cloudflare");
	assert_string_equal(s->leg.resolver_segments.items[1], "dns");
	assert_null(option_set_get(&s->values, "module"));
	/* other segments leave the default edge behind, and look-ups go out where the leg does */
	assert_string_equal(lab->config->plugins[2].leg.edge, "wan2");
	s = &lab->config->plugins[3];
	assert_int_equal(option_set_get(&s->values, "keep")->number, 3);
	assert_int_equal(option_set_get(&s->values, "limit")->number, 65536);
	assert_int_equal(option_set_get(&s->values, "noon")->number, 720);
	assert_int_equal(option_set_get(&s->values, "to")->type, T3OPS_OPT_USER_DIR);
	assert_string_equal(option_set_text(&s->values, "to"), "/backups");
	assert_int_equal(s->job.deadline_us, 600 * (uint64_t)SECOND);
	forget(lab);
}

/* Look-ups go out where the leg does. */
static void test_resolver_follows(void **state)
{
	static const struct {
		const char *options, *want;
	} rows[] = {
	    {"", "wan dns"},
	    {"segments = {\"wan2\", \"cloudflare\"}", "wan2 dns"},
	    {"segments = {\"wan2\", \"tunnel\"}", "wan2 dns"},
	    {"segments = {\"wan\", \"tunnel\"}", "wan dns"},
	    {"segments = {\"cloudflare\", \"tunnel\"}", "dns"},
	    {"segments = {\"dns\", \"cloudflare\"}", "dns"},
	    {"segments = {\"wan2\", \"cloudflare\"} resolver_segments = {\"wan\", \"dns\"}", "wan dns"},
	    {"segments = {\"wan2\", \"cloudflare\"} resolver_segments = {}", ""},
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct text_list *list;
		char text[300], got[64] = "";

		snprintf(text, sizeof text, HEAD "plugin \"sample_leg\" { %s }", rows[i].options);
		if (!make(lab, text))
			fail_msg("%s: %s", rows[i].options, lab->received);
		list = &lab->config->plugins[0].leg.resolver_segments;
		for (size_t k = 0; k < list->n; k++)
			snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", k > 0 ? " " : "",
			         list->items[k]);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, expected %s", rows[i].options, got, rows[i].want);
		forget(lab);
	}
}

static void test_process_configs(void **state)
{
	struct lab *lab = *state;
	struct process_config *p;

	assert_true(make(lab, good));
	p = process_config_new(lab->config, PROCESS_PROXY);
	assert_int_equal(p->n_plugins, 1);
	assert_string_equal(p->core.identity_header, "X-authentik-username");
	/* what it does not read is not there */
	assert_int_equal(p->core.journal_retain_us, 0);
	assert_null(p->core.state_dir);
	/* the proxy may name a command; what it runs is the helper's alone */
	assert_int_equal(process_command_find(p, "mint")->options.argv.n, 0);
	assert_int_equal(process_command_find(p, "mint")->options.timeout_us, 10 * SECOND);
	assert_null(process_command_find(p, "mint2"));
	process_config_free(p);
	p = process_config_new(lab->config, PROCESS_HELPER);
	assert_string_equal(process_command_find(p, "mint")->options.argv.items[0], "/bin/true");
	assert_int_equal(p->n_plugins, 1);
	assert_non_null(p->core.users);
	process_config_free(p);
	p = process_config_new(lab->config, PROCESS_MONITOR);
	assert_int_equal(p->n_sections, 4);
	assert_int_equal(p->n_commands, 0);
	assert_int_equal(p->n_plugins, 0);
	process_config_free(p);
	forget(lab);
}

/* ---- what a reload replaces ------------------------------------------------------------------------ */

static const char letters[] = "?fljdr"; /* proxy prober jobs monitor helper */

/* The processes that need to be started anew from one text to the other, as letters. */
static void changed(struct lab *lab, const char *from, const char *to, char out[8])
{
	struct resolved_config *before;
	size_t n = 0;

	if (!make(lab, from))
		fail_msg("<%s>: %s", from, lab->received);
	before = lab->config;
	lab->config = NULL;
	if (!make(lab, to))
		fail_msg("<%s>: %s", to, lab->received);
	for (enum process_id process = PROCESS_PROXY; process <= PROCESS_HELPER; process++)
		if (!process_config_equal(before, lab->config, process))
			out[n++] = letters[process];
	out[n] = '\0';
	resolved_config_free(before);
}

/* Only what a process reads counts. */
static void test_changes(void **state)
{
	static const struct {
		const char *core, *rest; /* instead of nothing, and of the sections */
		const char *changed;
	} cases[] = {
	    {"", NULL, ""},
	    {"# a comment\n", NULL, ""},
	    {"header_timeout = \"15s\"\n", NULL, ""}, /* the default */
	    {"header_timeout = \"16s\"\n", NULL, "f"},
	    {"listen = {\"127.0.0.1:1\"}\n", NULL, "f"},
	    {"status_listen = \"127.0.0.1:1\"\n", NULL, "d"},
	    {"journal_retain = \"1d\"\n", NULL, "d"},
	    {"ping_timeout = \"1s\"\n", NULL, "ld"},
	    {"process_watchdog = \"1s\"\n", NULL, "d"},
	    {"plugin_budget = \"1s\"\n", NULL, "fljdr"},
	    {"users = \"/etc/x\"\n", NULL, "fljr"},
	    {"log_level = \"debug\"\n", NULL, "fljdr"},
	    {"", "command \"mint\" { argv = {\"/bin/false\"} }\n" REST, "r"},
	    {"", "command \"mint\" { argv = {\"/bin/true\"} timeout = \"9s\" }\n" REST, "fljr"},
	    {"", MINT "command \"more\" { argv = {\"/bin/true\"} }\n" REST, "fljr"},
	    {"", MINT REST_BUT_LEG "plugin \"sample_leg\" { heartbeat = \"2s\" }\n", "l"},
	    {"", MINT REST_BUT_LEG "plugin \"sample_leg\" { segments = {\"wan\"} }\n", "ld"},
	    {"", MINT REST_BUT_LEG, "ld"},
	    {"", MINT REST_BUT_LEG "plugin \"leg\" { module = \"sample_leg\" }\n", "ld"},
	    {"",
	     MINT "plugin \"sample_leg\" {}\nplugin \"sample_job\" { to = \"/b\" }\nplugin \"sample_request\" {}\n",
	     "d"}, /* another order */
	    {"",
	     MINT "plugin \"sample_request\" {}\nplugin \"sample_job\" { to = \"/c\" }\nplugin \"sample_leg\" {}\n",
	     "jr"},
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text, found[8];

		assert_true(asprintf(&text, HEAD "%s%s", cases[i].core, cases[i].rest ? cases[i].rest : MINT REST) >
		            0);
		changed(lab, HEAD MINT REST, text, found);
		if (strcmp(found, cases[i].changed) != 0)
			fail_msg("<%s> changes \"%s\", expected \"%s\"", text, found, cases[i].changed);
		free(text);
	}
	forget(lab);
}

/* Another .so is another process, whatever the file says. */
static void test_file_change(void **state)
{
	struct lab *lab = *state;
	struct resolved_config *before;
	char path[256];

	assert_true(make(lab, HEAD MINT REST));
	before = lab->config;
	lab->config = NULL;
	assert_int_equal(
	    utimensat(AT_FDCWD, plugin_dir_file(&lab->directory, "sample_leg.so", path, sizeof path), NULL, 0), 0);
	assert_true(make(lab, HEAD MINT REST));
	assert_false(process_config_equal(before, lab->config, PROCESS_PROBER));
	assert_true(process_config_equal(before, lab->config, PROCESS_PROXY));
	assert_true(process_config_equal(before, lab->config, PROCESS_MONITOR));
	resolved_config_free(before);
	forget(lab);
}

/* ---- as JSON and back ------------------------------------------------------------------------------- */

static void all_equal(const struct resolved_config *a, const struct resolved_config *b)
{
	assert_non_null(b);
	for (enum process_id process = PROCESS_PROXY; process < PROCESSES; process++)
		assert_true(process_config_equal(a, b, process));
}

static void test_json(void **state)
{
	struct lab *lab = *state;
	json_t *core, *plugins, *options;
	struct resolved_config *again;

	assert_true(make(lab, good));
	core = resolved_config_core_json(lab->config);
	plugins = resolved_config_plugins_json(lab->config);
	again = resolved_config_read(core, plugins);
	all_equal(lab->config, again);
	resolved_config_free(again);
	/* what is not exactly that is nothing */
	assert_null(resolved_config_read(plugins, core));
	assert_null(resolved_config_read(core, NULL));
	json_object_set_new(core, "more", json_true());
	assert_null(resolved_config_read(core, plugins));
	json_object_del(core, "more");
	/* another version has other options */
	options = json_object_get(core, "core");
	json_array_remove(options, 3);
	assert_null(resolved_config_read(core, plugins));
	again = resolved_config_adopt(core, plugins);
	all_equal(lab->config, again);
	resolved_config_free(again);
	json_array_append_new(options, json_pack("[s, i, s]", "future", T3OPS_OPT_STRING, "x"));
	json_array_set_new(options, 0, json_pack("[s, i, s]", "listen", T3OPS_OPT_STRING, "x"));
	again = resolved_config_adopt(core, plugins);
	assert_non_null(again);
	assert_string_equal(again->options.listen.items[0], "127.0.0.1:3780"); /* of another type: the default */
	resolved_config_free(again);
	json_decref(core);
	json_decref(plugins);
	forget(lab);
}

/* A process with nothing to load is not started. */
static void test_rooms_that_run(void **state)
{
	static const struct {
		const char *text;
		const char *processes; /* proxy legs jobs monitor helper, as letters */
	} cases[] = {
	    {HEAD, "d"},
	    {HEAD MINT, "dr"},
	    {HEAD "plugin \"sample_leg\" {}", "ld"},
	    {HEAD "plugin \"sample_job\" { to = \"/b\" }", "jdr"},
	    {HEAD MINT "plugin \"sample_request\" {}", "fdr"},
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char found[8] = "";
		size_t n = 0;

		assert_true(make(lab, cases[i].text));
		for (enum process_id process = PROCESS_PROXY; process <= PROCESS_HELPER; process++)
			if (process_is_wanted(lab->config, process))
				found[n++] = letters[process];
		assert_string_equal(found, cases[i].processes);
	}
	forget(lab);
}

/* A provider of a service is loaded where somebody needs it, and where a provider itself needs one. */
static void test_services_are_placed(void **state)
{
	static const struct {
		const char *rows; /* name, roles, provides, needs; or wants, behind a question mark */
		enum process_id process;
		const char *loaded;
	} cases[] = {
	    {"pair 1 pairing - | check 1 - pairing", PROCESS_PROXY, "pair check "},
	    {"pair 1 pairing - | check 1 - pairing", PROCESS_PROBER, ""},
	    {"pair 1 pairing - | leg 2 - pairing", PROCESS_PROXY, "pair "},
	    {"pair 1 pairing - | leg 2 - pairing", PROCESS_PROBER, "pair leg "},
	    {"leg 2 - pairing | pair 0 pairing -", PROCESS_PROBER, "leg pair "},
	    {"pair 0 pairing -", PROCESS_PROXY, ""},
	    {"pair 1 pairing names | job 4 - pairing | dns 0 names -", PROCESS_JOBS, "pair job dns "},
	    {"pair 1 pairing names | job 4 - pairing | dns 0 names -", PROCESS_HELPER, "pair job dns "},
	    {"pair 1 pairing names | job 4 - pairing | dns 0 names -", PROCESS_PROXY, "pair dns "},
	    {"all 15 - -", PROCESS_MONITOR, "all "},
	    {"all 15 - -", PROCESS_PROBER, "all "},
	    {"pair 1 pairings -|leg 2 - pairing", PROCESS_PROBER, "leg "},
	    {"pair 1 names,pairing -|leg 2 - sessions,pairing", PROCESS_PROBER, "pair leg "},
	    {"pair 1 pairing - | leg 2 - ?pairing", PROCESS_PROBER, "pair leg "},
	    {"pair 1 pairing - | leg 2 - ?names", PROCESS_PROBER, "leg "},
	    {"pair 1 pairing - | leg 2 - ?pairing", PROCESS_PROXY, "pair "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct plugin_section sections[3] = {0};
		struct resolved_config c = {.plugins = sections};
		char words[3][3][32], text[256], loaded[64] = "", *rest = text;

		snprintf(text, sizeof text, "%s", cases[i].rows);
		for (char *row; (row = strsep(&rest, "|")); c.n_plugins++) {
			struct plugin_section *s = &sections[c.n_plugins];
			char(*w)[32] = words[c.n_plugins];

			assert_int_equal(sscanf(row, " %31s %u %31s %31s", w[0], &s->roles, w[1], w[2]), 4);
			for (int k = 1; k < 3; k++) {
				char *comma = strchr(w[k], ',');

				if (comma)
					*comma = ' ';
				if (strcmp(w[k], "-") == 0)
					w[k][0] = '\0';
			}
			s->name = w[0];
			s->provides = w[1];
			s->needs = w[2][0] == '?' ? w[2] + strlen(w[2]) : w[2];
			s->wants = w[2][0] == '?' ? w[2] + 1 : w[2] + strlen(w[2]);
		}
		for (size_t k = 0; k < c.n_plugins; k++)
			if (process_loads(&c, k, cases[i].process)) {
				strcat(loaded, sections[k].name);
				strcat(loaded, " ");
			}
		if (strcmp(loaded, cases[i].loaded) != 0)
			fail_msg("case %zu: loads \"%s\", expected \"%s\"", i, loaded, cases[i].loaded);
	}
}

/* ---- files and the check -------------------------------------------------------------------------- */

static void test_text_read(void **state)
{
	struct lab *lab = *state;
	struct conf_text t;
	char path[256], *large = calloc(1, (1 << 20) + 1);

	assert_int_equal(conf_text_read(&t, "/no/such/file"), -ENOENT);
	plugin_dir_write(&lab->directory, "small.conf", "a = 1\n", 6);
	assert_int_equal(conf_text_read(&t, plugin_dir_file(&lab->directory, "small.conf", path, sizeof path)), 0);
	assert_int_equal(t.len, 6);
	assert_string_equal(t.bytes, "a = 1\n");
	assert_string_equal(t.path, path);
	conf_text_fini(&t);
	memset(large, '#', 1 << 20);
	plugin_dir_write(&lab->directory, "large.conf", large, (1 << 20) + 1);
	assert_int_equal(conf_text_read(&t, plugin_dir_file(&lab->directory, "large.conf", path, sizeof path)),
	                 -EFBIG);
	free(large);
}

/* What `t3ops -t` prints, and where. */
static void check(struct lab *lab, const char *text, bool expected, const char *on_out, const char *on_err)
{
	char *whole = text_of(lab, text), path[256], *out = NULL, *err = NULL;
	size_t out_len, err_len;
	FILE *o = open_memstream(&out, &out_len), *e = open_memstream(&err, &err_len);

	forget(lab);
	plugin_dir_write(&lab->directory, "check.conf", whole, strlen(whole));
	lab->config = check_config(plugin_dir_file(&lab->directory, "check.conf", path, sizeof path), NULL, o, e);
	fclose(o);
	fclose(e);
	if ((lab->config != NULL) != expected || !strstr(out, on_out) || !strstr(err, on_err))
		fail_msg("check of <%s>:\n%s---\n%s", text, out, err);
	free(out);
	free(err);
	free(whole);
	forget(lab);
}

static void test_check(void **state)
{
	struct lab *lab = *state;

	check(lab, good, true, "check.conf: configuration OK\n", "");
	check(lab, good, true,
	      "plugin second: sample_leg 1.0, process prober, segments wan2 tunnel, one leg for each user\n", "");
	check(lab, good, true, "plugin sample_job: version 1.2, process jobs, daily at 03:30\n", "");
	check(lab, HEAD "\nnope = 1", false, "", "check.conf:3: unknown option \"nope\"\n");
	assert_null(check_config("/no/such/file", NULL, stdout, stderr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_errors_are_single),
	    cmocka_unit_test(test_world_writable),
	    cmocka_unit_test(test_others_are_checked),
	    cmocka_unit_test(test_meaning),
	    cmocka_unit_test(test_leg_defaults),
	    cmocka_unit_test(test_resolver_follows),
	    cmocka_unit_test(test_process_configs),
	    cmocka_unit_test(test_services_are_placed),
	    cmocka_unit_test(test_rooms_that_run),
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_file_change),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_text_read),
	    cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: MIT */
/* Whole config files: what they mean, what is complained about at which line, and what each process sees. */
#include <errno.h>
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
#include "conf/resolved_config.h"
#include "../plugin_dir.h"

/* The account that must exist when root runs the test. */
#define HEAD   "user = \"nobody\" plugin_dir = \"@\"\n" /* line 1; @: the directory */
#define MINT   "command \"mint\" { argv = {\"/bin/true\"} }\n"
#define SECOND 1000000

struct lab {
	struct plugin_dir directory;
	char received[6000];
	json_t *core, *plugins;
};

static void receive(void *arg, const char *line)
{
	struct lab *lab = arg;
	size_t used = strlen(lab->received);

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
	json_decref(lab->core);
	json_decref(lab->plugins);
	lab->core = lab->plugins = NULL;
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

static int make(struct lab *lab, const char *text)
{
	char *whole = text_of(lab, text);
	struct conf_text t = {(char *)(uintptr_t) "f", whole, strlen(whole)};
	int r;

	forget(lab);
	r = resolve_in_child(&t, receive, lab, &lab->core, &lab->plugins);
	free(whole);
	return r;
}

/* ---- config_errors ----------------------------------------------------------------------------------- */

struct config_error_case {
	const char *text;
	const char *lines; /* beginnings of the lines, separated by | */
};

static const struct config_error_case config_error_cases[] = {
    {HEAD "listne = {\"127.0.0.1:1\"}", "f:2: unknown option \"listne\"; did you mean \"listen\"?"},
    {HEAD "listen = {\"localhost:80\"}\n# c\nstatus_listen = \"x\"",
     "f:2: listen = \"localhost:80\"|f:4: status_listen = \"x\""},
    {HEAD "trusted_proxies = {\"10.0.0.0/33\", \"10.0.0.0/8\"}", "f:2: trusted_proxies: \"10.0.0.0/33\""},
    {HEAD "public_paths = {\"/probe\", \"/a/\"}", "f:2: public_paths: \"/a/\": expected the beginning of a path"},
    {HEAD "public_paths = {\"/\", \"a\"}", "f:2: public_paths: \"/\"|f:2: public_paths: \"a\""},
    {HEAD "allowed_origins = {\"https://a\", \"https://b/c\"}", "f:2: allowed_origins: \"https://b/c\""},
    {HEAD "log_level = \"loud\"", "f:2: log_level = \"loud\""},
    {HEAD "identity_header = \"X y\"", "f:2: identity_header = \"X y\""},
    {HEAD "instance_env = \"/etc/x\"", "f:2: instance_env"},
    {HEAD "user_path = {\"a\", \"a\"}\nper_user = {}", "f:2: user_path: segment \"a\" stands twice"},
    {HEAD "user_path = {\"a\"}\nper_user = {\"b\"}", "f:3: per_user: segment \"b\" is not in user_path"},
    {HEAD "max_connections = 1", "f:2: max_connections = \"1\": expected 16 to 1000000"},
    /* sections */
    {HEAD "plugin \"sample_leg\" {}\nplugin \"sample_leg\" {}",
     "f:3: plugin \"sample_leg\" stands twice, first on line 2; a second instance needs a name of its own"},
    {HEAD "command \"c\" { argv = {\"/bin/true\"} }\ncommand \"c\" { argv = {\"/bin/true\"} }",
     "f:3: command \"c\" stands twice"},
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
    {HEAD "plugin \"sample_leg\" {\n url = \"ftp://x\" }", "f:3: plugin sample_leg: url = \"ftp://x\""},
    {HEAD "plugin \"sample_job\" {}", "f:2: plugin sample_job: to is missing"},
    {HEAD "plugin \"sample_job\" { to = \"/b\"\n at = \"25:00\" }", "f:3: plugin sample_job: at = \"25:00\""},
    {HEAD "plugin \"sample_job\" { to = \"/b\" at = \"03:30\"\n every = \"1h\" }",
     "f:3: plugin sample_job: every: expected either at or every"},
    {HEAD "plugin \"sample_job\" { to = \"/b\"\n tool = \"hammer\" }",
     "f:3: plugin sample_job: tool = \"hammer\": there is no section command \"hammer\""},
    {HEAD "plugin \"sample_request\" {}", "f:2: plugin sample_request: command = \"mint\": there is no section"},
    /* a mistake in one section hides none in another */
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

static void test_complaints(void **state)
{
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof config_error_cases / sizeof config_error_cases[0]; i++) {
		int r = make(lab, config_error_cases[i].text);

		lines_compare(&config_error_cases[i], lab->received);
		assert_int_equal(r, -EINVAL);
		assert_null(lab->core);
		assert_null(lab->plugins);
	}
	forget(lab);
}

/* As few lines as mistakes: the well-known ones once each. */
static void test_complaints_are_single(void **state)
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
	assert_int_equal(make(lab, HEAD "plugin \"sample_leg\" {}"), -EINVAL);
	assert_non_null(strstr(lab->received, "mode 0666"));
	assert_int_equal(strncmp(lab->received, "f:2: plugin sample_leg: ", 24), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(make(lab, HEAD "plugin \"sample_leg\" {}"), 0);
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

static const char good[] = HEAD MINT
    "listen = {\"127.0.0.1:0\", \"[::1]:0\"}\n"
    "plugin \"sample_request\" {}\n"
    "plugin \"first\"  { module = \"sample_leg\" heartbeat = \"2s\" }\n"
    "plugin \"second\" { module = \"sample_leg\" segments = {\"wan2\", \"tunnel\"} }\n"
    "plugin \"sample_job\" { to = \"/backups\" at = \"03:30\" tool = \"mint\" keep = 3 }\n";

static const json_t *plugin_at(const struct lab *lab, size_t i)
{
	return json_array_get(json_object_get(lab->plugins, "plugins"), i);
}

static void test_meaning(void **state)
{
	struct lab *lab = *state;
	const json_t *core, *options;

	if (make(lab, good) != 0)
		fail_msg("%s", lab->received);
	core = json_object_get(lab->core, "core");
	assert_int_equal(config_count(core, "listen"), 2);
	assert_string_equal(config_item(core, "listen", 1), "[::1]:0");
	assert_string_equal(config_string(core, "identity_header"), "X-authentik-username");
	assert_int_equal(config_int(core, "header_timeout"), 15 * SECOND);
	assert_false(config_bool(core, "identity_strip_domain"));
	assert_int_equal(json_array_size(json_object_get(lab->plugins, "plugins")), 4);
	/* in the order of the file; a leg's defaults are its plugin's */
	options = json_object_get(plugin_at(lab, 1), "options");
	assert_string_equal(json_string_value(json_object_get(plugin_at(lab, 1), "name")), "first");
	assert_string_equal(json_string_value(json_object_get(plugin_at(lab, 1), "module")), "sample_leg");
	assert_true(json_is_true(json_object_get(plugin_at(lab, 1), "per_user")));
	assert_int_equal(config_int(options, "heartbeat"), 2 * SECOND);
	assert_string_equal(config_item(options, "segments", 0), "wan");
	assert_string_equal(config_string(options, "edge"), "cloudflare");
	assert_string_equal(config_item(options, "resolver_segments", 1), "dns");
	assert_null(json_object_get(options, "module"));
	/* other segments leave the default edge behind */
	options = json_object_get(plugin_at(lab, 2), "options");
	assert_string_equal(config_string(options, "edge"), "wan2");
	options = json_object_get(plugin_at(lab, 3), "options");
	assert_int_equal(config_int(options, "keep"), 3);
	assert_int_equal(config_int(options, "limit"), 65536);
	assert_int_equal(config_int(options, "noon"), 720);
	assert_string_equal(json_string_value(json_array_get(json_object_get(plugin_at(lab, 3), "user_dirs"), 0)),
	                    "/backups");
	forget(lab);
}

static void test_slices(void **state)
{
	struct lab *lab = *state;
	json_t *config;

	assert_int_equal(make(lab, good), 0);
	config = process_config_make(lab->core, lab->plugins, PROCESS_PROXY);
	assert_int_equal(json_array_size(json_object_get(config, "plugins")), 1);
	assert_non_null(json_object_get(json_object_get(config, "core"), "trusted_proxies"));
	assert_null(json_object_get(json_object_get(config, "core"), "journal_retain"));
	/* the proxy may name a command; what it runs is the helper's alone */
	assert_null(json_object_get(json_object_get(json_object_get(config, "commands"), "mint"), "argv"));
	assert_non_null(json_object_get(json_object_get(json_object_get(config, "commands"), "mint"), "timeout"));
	json_decref(config);
	config = process_config_make(lab->core, lab->plugins, PROCESS_HELPER);
	assert_non_null(json_object_get(json_object_get(json_object_get(config, "commands"), "mint"), "argv"));
	assert_int_equal(json_array_size(json_object_get(config, "plugins")), 1);
	json_decref(config);
	config = process_config_make(lab->core, lab->plugins, PROCESS_MONITOR);
	assert_int_equal(json_array_size(json_object_get(config, "legs")), 2);
	assert_int_equal(json_array_size(json_object_get(config, "sections")), 4);
	assert_int_equal(json_object_size(json_object_get(config, "commands")), 0);
	json_decref(config);
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
	static const char letters[] = "?fljdr";
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char found[8] = "";
		size_t n = 0;

		assert_int_equal(make(lab, cases[i].text), 0);
		for (enum process_id process = PROCESS_PROXY; process <= PROCESS_HELPER; process++) {
			json_t *config = process_config_make(lab->core, lab->plugins, process);

			if (config)
				found[n++] = letters[process];
			json_decref(config);
		}
		assert_string_equal(found, cases[i].processes);
	}
	forget(lab);
}

/* A provider of a service is loaded where somebody needs it, and where a provider itself needs one. */
static void test_services_are_placed(void **state)
{
	static const struct {
		const char *rows; /* name, roles, provides, needs */
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
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *doc = json_pack("{s:[]}", "plugins"), *sections = json_object_get(doc, "plugins");
		char text[256], loaded[64] = "", *rest = text;

		snprintf(text, sizeof text, "%s", cases[i].rows);
		for (char *row; (row = strsep(&rest, "|"));) {
			char name[16], services[2][32];
			int roles;

			assert_int_equal(sscanf(row, " %15s %d %31s %31s", name, &roles, services[0], services[1]),
			                 4);
			for (int k = 0; k < 2; k++) {
				char *comma = strchr(services[k], ',');

				if (comma)
					*comma = ' ';
				if (strcmp(services[k], "-") == 0)
					services[k][0] = '\0';
			}
			json_array_append_new(sections,
			                      json_pack("{s:s, s:i, s:s, s:s}", "name", name, "roles", roles,
			                                "provides", services[0], "needs", services[1]));
		}
		for (size_t k = 0; k < json_array_size(sections); k++)
			if (process_config_has(doc, k, cases[i].process)) {
				strcat(loaded, config_string(json_array_get(sections, k), "name"));
				strcat(loaded, " ");
			}
		if (strcmp(loaded, cases[i].loaded) != 0)
			fail_msg("case %zu: loads \"%s\", expected \"%s\"", i, loaded, cases[i].loaded);
		json_decref(doc);
	}
}

/* The same text gives the same configs: a reload leaves such processes alone. */
static void test_same_again(void **state)
{
	struct lab *lab = *state;
	json_t *before;

	assert_int_equal(make(lab, good), 0);
	before = process_config_make(lab->core, lab->plugins, PROCESS_PROBER);
	assert_int_equal(make(lab, good), 0);
	for (int i = 0; i < 2; i++) {
		json_t *again = process_config_make(lab->core, lab->plugins, PROCESS_PROBER);

		assert_true(json_equal(before, again));
		json_decref(again);
	}
	json_decref(before);
	forget(lab);
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
static void check(struct lab *lab, const char *text, int expected, const char *on_out, const char *on_err)
{
	char *whole = text_of(lab, text), path[256], *out = NULL, *err = NULL;
	size_t out_len, err_len;
	FILE *o = open_memstream(&out, &out_len), *e = open_memstream(&err, &err_len);
	int r;

	forget(lab);
	plugin_dir_write(&lab->directory, "check.conf", whole, strlen(whole));
	r = check_config(plugin_dir_file(&lab->directory, "check.conf", path, sizeof path), o, e, &lab->core,
	                 &lab->plugins);
	fclose(o);
	fclose(e);
	if (r != expected || !strstr(out, on_out) || !strstr(err, on_err))
		fail_msg("check of <%s>: %d\n%s---\n%s", text, r, out, err);
	free(out);
	free(err);
	free(whole);
	forget(lab);
}

static void test_check(void **state)
{
	struct lab *lab = *state;
	json_t *core, *plugins;

	check(lab, good, 0, "check.conf: configuration OK\n", "");
	check(lab, good, 0,
	      "plugin second: sample_leg 1.0, process prober, segments wan2 tunnel, one leg for each user\n", "");
	check(lab, good, 0, "plugin sample_job: version 1.2, process jobs, daily at 03:30\n", "");
	check(lab, HEAD "\nnope = 1", -EINVAL, "", "check.conf:3: unknown option \"nope\"\n");
	assert_int_equal(check_config("/no/such/file", stdout, stderr, &core, &plugins), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_complaints),
	    cmocka_unit_test(test_complaints_are_single),
	    cmocka_unit_test(test_world_writable),
	    cmocka_unit_test(test_others_are_checked),
	    cmocka_unit_test(test_meaning),
	    cmocka_unit_test(test_slices),
	    cmocka_unit_test(test_services_are_placed),
	    cmocka_unit_test(test_rooms_that_run),
	    cmocka_unit_test(test_same_again),
	    cmocka_unit_test(test_text_read),
	    cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

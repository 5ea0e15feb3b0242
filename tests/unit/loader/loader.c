/* SPDX-License-Identifier: MIT */
/* What the loader takes and what it refuses, each refusal in one line that says what to do. */
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

#include "loader/loader.h"
#include "../plugin_dir.h"

static enum t3ops_next next(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
	return T3OPS_NEXT;
}

static void on_leg(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx, (void)leg;
}

/* ---- files ------------------------------------------------------------------------------------ */

static void refused(const char *dir, const char *module, int error, const char *const parts[])
{
	struct t3ops_plugin p;
	char why[800] = "";

	assert_int_equal(loader_open(dir, module, &p, why, sizeof why), error);
	assert_null(strchr(why, '\n'));
	for (size_t i = 0; parts[i]; i++)
		if (!strstr(why, parts[i]))
			fail_msg("%s: \"%s\" does not say \"%s\"", module, why, parts[i]);
}

static void test_files_refused(void **state)
{
	struct plugin_dir f;
	char path[256];

	(void)state;
	plugin_dir_init(&f);
	plugin_dir_add(&f, "wrong_major", "wrong_major");
	plugin_dir_add(&f, "no_symbol", "no_symbol");
	plugin_dir_add(&f, "sample_leg", "another");
	plugin_dir_add(&f, "sample_job", "sample_job");
	plugin_dir_write(&f, "text.so", "not a library", 13);
	refused(f.path, "wrong_major", -EPROTO,
	        (const char *const[]){"wrong_major.so", "ABI 2.0", "this t3ops has 1.", "expected major 1",
	                              "install a newer t3ops", NULL});
	refused(f.path, "no_symbol", -ENOEXEC,
	        (const char *const[]){"no_symbol.so", "exports no t3ops_plugin_no_symbol",
	                              "expected T3OPS_PLUGIN(no_symbol)", NULL});
	refused(f.path, "another", -ENOEXEC, (const char *const[]){"another.so", "t3ops_plugin_another", NULL});
	refused(f.path, "text", -ENOEXEC, (const char *const[]){"text.so", "cannot be loaded", NULL});
	refused(f.path, "absent", -ENOENT,
	        (const char *const[]){"absent.so", "No such file", "install the plugin there", NULL});
	refused(f.path, "../sample_job", -EINVAL, (const char *const[]){"cannot be a plugin's name", NULL});
	refused("relative", "sample_job", -EINVAL, (const char *const[]){"not an absolute path", NULL});
	plugin_dir_file(&f, "sample_job.so", path, sizeof path);
	assert_int_equal(chmod(path, 0646), 0);
	refused(f.path, "sample_job", -EPERM,
	        (const char *const[]){"sample_job.so", "mode 0646", "chmod go-w", NULL});
	assert_int_equal(chmod(path, 0664), 0);
	refused(f.path, "sample_job", -EPERM, (const char *const[]){"mode 0664", NULL});
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(f.path, 0777), 0);
	refused(f.path, "sample_job", -EPERM, (const char *const[]){f.path, "mode 0777", NULL});
	plugin_dir_fini(&f);
}

/* A file of another user could become the daemon's code. */
static void test_owner(void **state)
{
	struct plugin_dir f;
	char path[256];

	(void)state;
	if (geteuid() != 0)
		skip();
	plugin_dir_init(&f);
	plugin_dir_add(&f, "sample_job", "sample_job");
	assert_int_equal(chown(plugin_dir_file(&f, "sample_job.so", path, sizeof path), 65534, 65534), 0);
	refused(f.path, "sample_job", -EPERM, (const char *const[]){"owned by uid 65534", "chown it", NULL});
	plugin_dir_fini(&f);
}

static void test_files_loaded(void **state)
{
	struct plugin_dir f;
	struct t3ops_plugin p;
	char why[800];

	(void)state;
	plugin_dir_init(&f);
	plugin_dir_add(&f, "sample_request", "sample_request");
	plugin_dir_add(&f, "sample_leg", "sample_leg");
	assert_int_equal(loader_open(f.path, "sample_request", &p, why, sizeof why), 0);
	assert_string_equal(p.name, "sample_request");
	assert_int_equal(p.roles, T3OPS_ROLE_PROXY);
	assert_int_equal(p.abi_major, 1);
	assert_int_equal(p.abi_minor, 0); /* built against the frozen header */
	assert_int_equal(p.n_options, 1);
	assert_string_equal(p.options[0].name, "command");
	assert_int_equal(p.n_metrics, 1);
	assert_string_equal(p.metrics[0].name, "t3ops_sample_total");
	assert_non_null(p.on_request);
	assert_int_equal(loader_open(f.path, "sample_leg", &p, why, sizeof why), 0);
	assert_string_equal(p.leg_segments, "wan cloudflare");
	assert_int_equal(p.leg_flags, T3OPS_LEG_PER_USER);
	plugin_dir_fini(&f);
}

/* ---- the check alone -------------------------------------------------------------------------- */

static const struct t3ops_option one_option[] = {{"a", T3OPS_OPT_STRING, "", 0, 0, "Help."}};
static const struct t3ops_option twice[] = {{"a", T3OPS_OPT_STRING, "", 0, 0, "Help."},
                                            {"a", T3OPS_OPT_INT, "1", 0, 0, "Help."}};
static const struct t3ops_option bad_name[] = {{"A b", T3OPS_OPT_STRING, "", 0, 0, "Help."}};
static const struct t3ops_option bad_type[] = {{"a", 77, "", 0, 0, "Help."}};
static const struct t3ops_option no_help[] = {{"a", T3OPS_OPT_STRING, "", 0, 0, ""}};
static const struct t3ops_option ours[] = {{"module", T3OPS_OPT_STRING, "", 0, 0, "Help."}};
static const struct t3ops_option ours_in_prober[] = {{"heartbeat", T3OPS_OPT_STRING, "", 0, 0, "Help."}};
static const double down[] = {2, 1};
static const struct t3ops_metric good_metric[] = {{"t3_x", T3OPS_COUNTER, {0}, NULL, 0, "Help."}};
static const struct t3ops_metric bad_metric[] = {{"t3 x", T3OPS_COUNTER, {0}, NULL, 0, "Help."}};
static const struct t3ops_metric no_buckets[] = {{"t3_x", T3OPS_HISTOGRAM, {0}, NULL, 0, "Help."}};
static const struct t3ops_metric bad_buckets[] = {{"t3_x", T3OPS_HISTOGRAM, {0}, down, 2, "Help."}};

#define SAME T3OPS_HEAD, .roles = T3OPS_ROLE_PROXY, .name = "m", .version = "1", .summary = "S.", .on_request = next
#define LEG                                                                                                          \
	T3OPS_HEAD, .roles = T3OPS_ROLE_LEG, .name = "m", .version = "1", .summary = "S.", .leg_open = on_leg,       \
	            .leg_close = on_leg

/* Each case spoils one field of a sound descriptor. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"

struct check_case {
	struct t3ops_plugin p;
	int error;
	const char *why;
};

static const struct check_case check_cases[] = {
    {{SAME}, 0, ""},
    {{SAME, .options = one_option, .n_options = 1, .metrics = good_metric, .n_metrics = 1}, 0, ""},
    {{.magic = 7}, -EINVAL, "not a t3ops plugin"},
    {{.magic = T3OPS_MAGIC, .abi_major = 0}, -EPROTO, "rebuild the plugin"},
    {{.magic = T3OPS_MAGIC, .abi_major = 2}, -EPROTO, "install a newer t3ops"},
    {{.magic = T3OPS_MAGIC, .abi_major = 1, .struct_size = 8}, -EINVAL, "its descriptor has 8 bytes"},
    {{SAME, .name = "other"}, -EINVAL, "calls itself \"other\""},
    {{SAME, .name = NULL}, -EINVAL, "has no name"},
    {{SAME, .version = "1 beta"}, -EINVAL, "has version \"1 beta\""},
    {{SAME, .roles = 16}, -EPROTO, "roles 0x10"},
    {{SAME, .roles = 0}, -EINVAL, "has no role"},
    {{SAME, .roles = 0, .provides = "pairing"}, 0, ""},
    {{SAME, .provides = "pairing", .needs = "names addresses"}, 0, ""},
    {{SAME, .provides = "Pairing"}, -EINVAL, "provides \"Pairing\""},
    {{SAME, .needs = "a  b"}, -EINVAL, "needs \"a  b\""},
    {{SAME, .needs = "a "}, -EINVAL, "needs \"a \""},
    {{SAME, .roles = T3OPS_ROLE_PROXY | T3OPS_ROLE_JOB}, -EINVAL, "has no run"},
    {{SAME, .on_request = NULL}, -EINVAL, "has no on_request"},
    {{LEG}, -EINVAL, "has no leg_ping"},
    {{SAME, .roles = T3OPS_ROLE_JOB}, -EINVAL, "has no run"},
    {{SAME, .roles = T3OPS_ROLE_WATCH}, -EINVAL, "has no on_event"},
    {{SAME, .n_options = 1}, -EINVAL, "has no table of them"},
    {{SAME, .options = one_option, .n_options = 1000}, -EINVAL, "expected at most"},
    {{SAME, .options = one_option, .n_options = 1, .option_size = 8}, -EINVAL, "option table has 8 bytes"},
    {{SAME, .options = twice, .n_options = 2}, -EINVAL, "option a is declared twice"},
    {{SAME, .options = bad_name, .n_options = 1}, -EINVAL, "option 0 is named \"A b\""},
    {{SAME, .options = bad_type, .n_options = 1}, -EPROTO, "has type 77"},
    {{SAME, .options = no_help, .n_options = 1}, -EINVAL, "has no help"},
    {{SAME, .options = ours, .n_options = 1}, -EINVAL, "t3ops' own"},
    {{SAME, .options = ours_in_prober, .n_options = 1}, 0, ""},
    {{LEG, .leg_ping = on_leg, .options = ours_in_prober, .n_options = 1}, -EINVAL, "t3ops' own"},
    {{SAME, .metrics = bad_metric, .n_metrics = 1}, -EINVAL, "expected a Prometheus name"},
    {{SAME, .metrics = no_buckets, .n_metrics = 1}, -EINVAL, "ascending buckets"},
    {{SAME, .metrics = bad_buckets, .n_metrics = 1}, -EINVAL, "ascending buckets"},
};

#pragma GCC diagnostic pop

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof check_cases / sizeof check_cases[0]; i++) {
		const struct check_case *c = &check_cases[i];
		struct t3ops_plugin out;
		char why[640] = "";
		int r = loader_check(&c->p, "m", &out, why, sizeof why);

		if (r != c->error || !strstr(why, c->why))
			fail_msg("case %zu: %d \"%s\", expected %d \"%s\"", i, r, why, c->error, c->why);
	}
}

/* A plugin of an older minor version has a shorter descriptor and shorter rows: the rest is zero. */
static void test_older_minor(void **state)
{
	struct t3ops_plugin p = {SAME, .options = one_option, .n_options = 1}, out;
	char why[640];

	(void)state;
	p.struct_size = offsetof(struct t3ops_plugin, leg_flags);
	p.leg_segments = "must not be seen";
	assert_int_equal(loader_check(&p, "m", &out, why, sizeof why), 0);
	assert_int_equal(out.struct_size, sizeof out);
	assert_null(out.leg_segments);
	assert_non_null(out.on_request);
}

/* A newer minor version has longer rows, in which ours are found by its own stride. */
static void test_newer_minor(void **state)
{
	static const struct {
		struct t3ops_option row;
		uint64_t more[2];
	} longer[] = {{{"a", T3OPS_OPT_STRING, "", 0, 0, "Help."}, {1, 2}},
	              {{"b", T3OPS_OPT_INT, "7", 0, 0, "Help."}, {3, 4}}};
	struct t3ops_plugin p = {SAME, .options = &longer[0].row, .n_options = 2}, out;
	char why[640];

	(void)state;
	p.abi_minor = T3OPS_ABI_MINOR + 1;
	p.option_size = sizeof longer[0];
	assert_int_equal(loader_check(&p, "m", &out, why, sizeof why), 0);
	assert_string_equal(out.options[1].name, "b");
	assert_string_equal(out.options[1].fallback, "7");
	assert_int_equal(out.option_size, sizeof(struct t3ops_option));
	free((void *)(uintptr_t)out.options); /* a copy; the daemon keeps it for good */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files_refused), cmocka_unit_test(test_owner),
	    cmocka_unit_test(test_files_loaded),  cmocka_unit_test(test_check),
	    cmocka_unit_test(test_older_minor),   cmocka_unit_test(test_newer_minor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

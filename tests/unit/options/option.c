/* SPDX-License-Identifier: MIT */
/* Values as operators write them, good and bad. */
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

#include "options/option_set.h"

#define BAD INT64_MIN

struct number_case {
	const char *text;
	int64_t value; /* BAD: refused */
};

static void test_durations(void **state)
{
	static const struct number_case cases[] = {
	    {"0", 0},
	    {"10s", 10000000},
	    {"500ms", 500000},
	    {"7us", 7},
	    {"5m", 300000000},
	    {"2h", 7200000000},
	    {"1d", 86400000000},
	    {"10", BAD},
	    {"", BAD},
	    {"s", BAD},
	    {"-1s", BAD},
	    {"1.5s", BAD},
	    {"10 s", BAD},
	    {" 10s", BAD},
	    {"10S", BAD},
	    {"10s ", BAD},
	    {"1m30s", BAD},
	    {"+1s", BAD},
	    {"0x1s", BAD},
	    {"00s", 0},
	    {"9223372036854775807us", INT64_MAX},
	    {"9223372036854775808us", BAD},
	    {"9223372036854775807s", BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t value = BAD;

		assert_int_equal(duration_parse(cases[i].text, &value), cases[i].value != BAD);
		assert_true(value == cases[i].value);
	}
}

static void test_bytes(void **state)
{
	static const struct number_case cases[] = {
	    {"0", 0},     {"512", 512}, {"64K", 65536}, {"8M", 8 << 20}, {"1G", 1 << 30},      {"1k", BAD},
	    {"1KB", BAD}, {"", BAD},    {"-1", BAD},    {"K", BAD},      {"9999999999G", BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t value = BAD;

		assert_int_equal(bytes_parse(cases[i].text, &value), cases[i].value != BAD);
		assert_true(value == cases[i].value);
	}
}

static void test_times(void **state)
{
	static const struct number_case cases[] = {
	    {"00:00", 0},  {"03:30", 210}, {"23:59", 1439}, {"24:00", BAD},  {"12:60", BAD}, {"3:30", BAD},
	    {"03:3", BAD}, {"0330", BAD},  {"", BAD},       {"03:300", BAD}, {"ab:cd", BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int value = -1;

		assert_int_equal(time_of_day_parse(cases[i].text, &value), cases[i].value != BAD);
		assert_int_equal(value, cases[i].value == BAD ? -1 : cases[i].value);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *host;
		int port;
	} cases[] = {
	    {"127.0.0.1:3780", "127.0.0.1", 3780},
	    {"10.0.20.203", "10.0.20.203", -1},
	    {"::1", "::1", -1},
	    {"[::1]:80", "::1", 80},
	    {"[::1]", "::1", -1},
	    {"0.0.0.0:0", "0.0.0.0", 0},
	    {"localhost:80", NULL, 0},
	    {"1.2.3.4:", NULL, 0},
	    {"1.2.3.4:65536", NULL, 0},
	    {"1.2.3:80", NULL, 0},
	    {"[1.2.3.4]:80", NULL, 0},
	    {"[::1", NULL, 0},
	    {"[::1]80", NULL, 0},
	    {"", NULL, 0},
	    {":80", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char host[64];
		int port;

		assert_int_equal(address_parse(cases[i].text, host, sizeof host, &port), cases[i].host != NULL);
		if (cases[i].host) {
			assert_string_equal(host, cases[i].host);
			assert_int_equal(port, cases[i].port);
		}
	}
}

struct value_case {
	struct t3ops_option option;
	const char *text;
	const char *json; /* NULL: refused */
	const char *why;  /* part of the line */
};

/* clang-format off */
#define OPT(type, fallback, min, max) {"it", T3OPS_OPT_##type, fallback, min, max, "Help."}
/* clang-format on */

static const struct value_case value_cases[] = {
    {OPT(STRING, "", 0, 0), "hello", "\"hello\"", NULL},
    {OPT(STRING, "x", 0, 0), "", "\"\"", NULL},
    {OPT(STRING, T3OPS_REQUIRED, 0, 0), "", NULL, "expected a value"},
    {OPT(STRING, "", 0, 0), "a\nb", NULL, "control characters"},
    {OPT(STRING, "", 0, 0), "\xff", NULL, "UTF-8"},
    {OPT(INT, "1", 1, 10), "10", "10", NULL},
    {OPT(INT, "1", 1, 10), "11", NULL, "it = \"11\": expected 1 to 10"},
    {OPT(INT, "1", 0, 0), "-5", "-5", NULL},
    {OPT(INT, "1", 0, 0), "5x", NULL, "a whole number"},
    {OPT(INT, "1", 0, 0), "99999999999999999999", NULL, "a whole number"},
    {OPT(INT, "0", 0, 1024), "0", "0", NULL},
    {OPT(BOOL, "false", 0, 0), "true", "1", NULL},
    {OPT(BOOL, "false", 0, 0), "on", "1", NULL},
    {OPT(BOOL, "false", 0, 0), "no", "0", NULL},
    {OPT(BOOL, "false", 0, 0), "1", NULL, "true or false"},
    {OPT(DURATION, "1s", 100000, 3600000000), "10s", "10000000", NULL},
    {OPT(DURATION, "1s", 100000, 3600000000), "99ms", NULL, "expected 100ms to 1h"},
    {OPT(DURATION, "50ms", 1000, 0), "10m", "600000000", NULL},
    {OPT(DURATION, "50ms", 1000, 0), "1us", NULL, "at least 1ms"},
    {OPT(DURATION, "1s", 0, 0), "10", NULL, "a duration with its unit"},
    {OPT(BYTES, "1K", 1024, 1 << 20), "64K", "65536", NULL},
    {OPT(BYTES, "1K", 1024, 1 << 20), "2M", NULL, "expected 1K to 1M"},
    {OPT(ADDRESS, "", 0, 0), "10.0.20.203", "\"10.0.20.203\"", NULL},
    {OPT(ADDRESS, "", 0, 0), "traefik", NULL, "numeric IPv4 or IPv6"},
    {OPT(ADDRESS, "", 0, 0), "", "\"\"", NULL},
    {OPT(PATH, "/x", 0, 0), "/etc/t3", "\"/etc/t3\"", NULL},
    {OPT(PATH, "/x", 0, 0), "etc/t3", NULL, "an absolute path"},
    {OPT(PATH, "/x", 0, 0), "", NULL, "expected a value"},
    {OPT(USER_DIR, T3OPS_REQUIRED, 0, 0), "/var/backups/t3", "\"/var/backups/t3\"", NULL},
    {OPT(USER_DIR, T3OPS_REQUIRED, 0, 0), "/", NULL, "directory"},
    {OPT(USER_DIR, T3OPS_REQUIRED, 0, 0), "/a/../b", NULL, "without \"..\""},
    {OPT(USER_DIR, T3OPS_REQUIRED, 0, 0), "/a/..", NULL, "without \"..\""},
    {OPT(USER_DIR, T3OPS_REQUIRED, 0, 0), "/a/..b", "\"/a/..b\"", NULL},
    {OPT(URL, "", 0, 0), "https://1.1.1.1/dns-query", "\"https://1.1.1.1/dns-query\"", NULL},
    {OPT(URL, "", 0, 0), "ftp://x", NULL, "begins with https://"},
    {OPT(URL, "", 0, 0), "wss://x", NULL, "begins with https://"},
    {OPT(URL, "", 0, 0), "http:///x", NULL, "with a host"},
    {OPT(URL, "", 0, 0), "https://a:b@host/", NULL, "without user and password"},
    {OPT(URL, "", 0, 0), "https://host/a@b", "\"https://host/a@b\"", NULL},
    {OPT(URL, "", 0, 0), "https://host/a b", NULL, "without spaces"},
    {OPT(WS_URL, "", 0, 0), "wss://t3.example.com/probe/ws", "\"wss://t3.example.com/probe/ws\"", NULL},
    {OPT(WS_URL, "", 0, 0), "ws://[::1]:80/", "\"ws://[::1]:80/\"", NULL},
    {OPT(WS_URL, "", 0, 0), "https://t3.example.com/probe/ws", NULL, "begins with wss:// (or ws://)"},
    {OPT(LISTEN, "", 0, 0), "127.0.0.1:3780", "\"127.0.0.1:3780\"", NULL},
    {OPT(LISTEN, "", 0, 0), "127.0.0.1", NULL, "ADDRESS:PORT"},
    {OPT(LISTEN, "", 0, 0), "localhost:80", NULL, "numeric address"},
    {OPT(NETWORK, "", 0, 0), "10.0.20.0/24", "\"10.0.20.0/24\"", NULL},
    {OPT(NETWORK, "", 0, 0), "10.0.20.5/24", NULL, "no bits set beyond /24; did you mean \"10.0.20.0/24\"?"},
    {OPT(NETWORK, "", 0, 0), "10.0.20.0/33", NULL, "a network such as"},
    {OPT(INTERFACE, "", 0, 0), "wan2", "\"wan2\"", NULL},
    {OPT(INTERFACE, "", 0, 0), "a/b", NULL, "network device"},
    {OPT(INTERFACE, "", 0, 0), "averylonginterface", NULL, "network device"},
    {OPT(INTERFACE, "", 0, 0), "fd00::1", "\"fd00::1\"", NULL},
    {OPT(URL_PATH, "", 0, 0), "/probe", "\"/probe\"", NULL},
    {OPT(URL_PATH, "", 0, 0), "/", NULL, "path of a URL"},
    {OPT(URL_PATH, "", 0, 0), "/a/", NULL, "path of a URL"},
    {OPT(URL_PATH, "", 0, 0), "/a%20b", NULL, "path of a URL"},
    {OPT(URL_PATH, "", 0, 0), "/a/../b", NULL, "path of a URL"},
    {OPT(ORIGIN, "", 0, 0), "https://t3.example.com:8443", "\"https://t3.example.com:8443\"", NULL},
    {OPT(ORIGIN, "", 0, 0), "https://t3.example.com/", NULL, "an origin"},
    {OPT(ORIGIN, "", 0, 0), "*", NULL, "an origin"},
    {OPT(HEADER, "X-a", 0, 0), "X-authentik-username", "\"X-authentik-username\"", NULL},
    {OPT(HEADER, "X-a", 0, 0), "X y", NULL, "HTTP header"},
    {OPT(SEGMENT, "", 0, 0), "last_mile", "\"last_mile\"", NULL},
    {OPT(SEGMENT, "", 0, 0), "last mile", NULL, "segment's name"},
    {OPT(ACCOUNT, "t3ops", 0, 0), "nobody", "\"nobody\"", NULL},
    {OPT(ACCOUNT, "t3ops", 0, 0), "root", NULL, "not root"},
    {OPT(CA_FILE, "", 0, 0), "/no/such/file", NULL, "a file that exists"},
    {OPT(CA_FILE, "", 0, 0), "/etc/passwd", NULL, "PEM"},
    {OPT(LOG_LEVEL, "info", 0, 0), "debug", "7", NULL},
    {OPT(LOG_LEVEL, "info", 0, 0), "loud", NULL, "error, warning, notice, info or debug"},
    {OPT(SANDBOX, "auto", 0, 0), "on", "2", NULL},
    {OPT(ACCESS_LOG, "off", 0, 0), "json", "2", NULL},
    {OPT(ACCESS_LOG, "off", 0, 0), "on", NULL, "off, logfmt or json"},
    {OPT(LIMIT, "500", 0, 0), "all", "9223372036854775807", NULL},
    {OPT(LIMIT, "500", 0, 0), "none", "0", NULL},
    {OPT(LIMIT, "500", 0, 0), "12", "12", NULL},
    {OPT(LIMIT, "500", 0, 0), "0", NULL, "all, none or a number"},
    {OPT(LIMIT, "500", 0, 0), "some", NULL, "all, none or a number"},
    {OPT(SANDBOX, "auto", 0, 0), "yes", NULL, "auto, on or off"},
    {OPT(LIST | T3OPS_OPT_SEGMENT, "", 0, 0), "a b", NULL, "it: \"a b\": expected a segment's name"},
    {OPT(TIME, "", 0, 0), "", "-1", NULL},
    {OPT(TIME, "03:30", 0, 0), "", NULL, "a time of day"},
    {OPT(TIME, "03:30", 0, 0), "04:00", "240", NULL},
    {OPT(TIME, "03:30", 0, 0), "4am", NULL, "a time of day"},
    {OPT(COMMAND, "", 0, 0), "mint", "\"mint\"", NULL},
    {OPT(COMMAND, "", 0, 0), "../mint", NULL, "name of a command section"},
    {OPT(LIST, "", 0, 0), "one", "[\"one\"]", NULL},
    {OPT(SECRET_FILE, "", 0, 0), "key", NULL, "absolute path"},
    {OPT(SECRET_FILE, "", 0, 0), "/no/such/file", NULL, "a file that exists"},
    {OPT(SECRET_FILE, "", 0, 0), "/dev/null", NULL, "a regular file"},
};

static void check_value(bool ok, struct option_value *value, const struct value_case *c, const char *why)
{
	struct option_set set = {0};
	json_t *rows;
	char *text;

	if (!c->json) {
		assert_false(ok);
		if (!strstr(why, c->why))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", c->text, why, c->why);
		return;
	}
	if (!ok)
		fail_msg("\"%s\" refused: %s", c->text, why);
	option_set_put(&set, "it", *value);
	rows = option_set_json(&set);
	text = json_dumps(json_array_get(json_array_get(rows, 0), 2), JSON_ENCODE_ANY | JSON_COMPACT);
	assert_string_equal(text, c->json);
	free(text);
	json_decref(rows);
	option_set_fini(&set);
}

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof value_cases / sizeof value_cases[0]; i++) {
		char why[320] = "";

		struct option_value value;
		bool ok = option_parse(&value_cases[i].option, value_cases[i].text, &value, why, sizeof why);

		check_value(ok, &value, &value_cases[i], why);
	}
}

static void test_fallbacks(void **state)
{
	static const struct value_case cases[] = {
	    {OPT(LIST, "", 0, 0), "", "[]", NULL},
	    {OPT(LIST, "a  b c", 0, 0), "", "[\"a\",\"b\",\"c\"]", NULL},
	    {OPT(LIST, T3OPS_REQUIRED, 0, 0), "", NULL, "it is missing"},
	    {OPT(DURATION, "0", 0, 0), "", "0", NULL},
	    {OPT(PATH, "", 0, 0), "", "\"\"", NULL},
	    {OPT(STRING, T3OPS_REQUIRED, 0, 0), "", NULL, "has no default, expected a string"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char why[320] = "";

		struct option_value value;
		bool ok = option_fallback(&cases[i].option, &value, why, sizeof why);

		check_value(ok, &value, &cases[i], why);
	}
}

static void test_secret_file(void **state)
{
	static const struct {
		mode_t mode;
		const char *why; /* NULL: good */
	} cases[] = {{0600, NULL}, {0400, NULL}, {0640, NULL}, {0604, "chmod o="}, {0602, "other accounts"}};
	static const struct t3ops_option o = OPT(SECRET_FILE, T3OPS_REQUIRED, 0, 0);
	char path[] = "/tmp/t3ops-option.XXXXXX", why[320];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct option_value value;

		assert_int_equal(fchmod(fd, cases[i].mode), 0);
		assert_int_equal(option_parse(&o, path, &value, why, sizeof why), cases[i].why == NULL);
		if (cases[i].why)
			assert_non_null(strstr(why, cases[i].why));
		option_value_fini(&value);
	}
	close(fd);
	unlink(path);
}

static void test_doubts(void **state)
{
	static const struct t3ops_option o = OPT(INTERFACE, "", 0, 0);
	static const struct {
		const char *text;
		bool warning;
	} cases[] = {{"lo", false}, {"nosuchdevice", true}, {"127.0.0.1", false}, {"192.0.2.77", true}, {"", false}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct option_value value;
		char why[320];

		assert_true(option_parse(&o, cases[i].text, &value, why, sizeof why));
		assert_int_equal(option_warning(&value) != NULL, cases[i].warning);
		option_value_fini(&value);
	}
}

static void test_list(void **state)
{
	static const struct t3ops_option optional = OPT(LIST, "", 0, 0), required = OPT(LIST, T3OPS_REQUIRED, 0, 0);
	static const char *const items[] = {"a", "", "b"};
	struct option_value list;
	char why[320];

	(void)state;
	assert_true(option_list_parse(&optional, items, 0, &list, why, sizeof why));
	assert_int_equal(list.list.n, 0);
	option_value_fini(&list);
	assert_true(option_list_parse(&required, items, 1, &list, why, sizeof why));
	assert_int_equal(list.list.n, 1);
	option_value_fini(&list);
	assert_false(option_list_parse(&required, items, 0, &list, why, sizeof why));
	assert_non_null(strstr(why, "at least one item"));
	assert_false(option_list_parse(&optional, items, 3, &list, why, sizeof why));
}

static void test_type_names(void **state)
{
	(void)state;
	for (uint32_t type = T3OPS_OPT_STRING; type <= T3OPS_OPT_JOB; type++)
		assert_true(option_type_is_public(type));
	assert_null(option_type_name(0));
	assert_null(option_type_name(T3OPS_OPT_JOB + 1));
	assert_string_equal(option_type_name(T3OPS_OPT_LIST), "list");
	assert_string_equal(option_type_name(T3OPS_OPT_LIST | T3OPS_OPT_NETWORK), "list of networks");
	assert_null(option_type_name(T3OPS_OPT_LIST | T3OPS_OPT_INT));
	/* the core's own */
	assert_non_null(option_type_name(T3OPS_OPT_LOG_LEVEL));
	assert_false(option_type_is_public(T3OPS_OPT_LOG_LEVEL));
	assert_false(option_type_is_public(T3OPS_OPT_SANDBOX));
}

static void test_key_file(void **state)
{
	static const struct t3ops_option row = {.name = "key", .type = T3OPS_OPT_KEY_FILE, .fallback = ""};
	static const char *const bad[] = {"%d/", "%d/a/b", "%d/../x", "%d/.", "%d", "key", "%e/key"};
	struct option_value v;
	char why[256];

	(void)state;
	assert_false(option_type_is_public(T3OPS_OPT_KEY_FILE));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(option_parse(&row, bad[i], &v, why, sizeof why));
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/other.service", 1);
	assert_true(option_parse(&row, "%d/probe-key", &v, why, sizeof why));
	assert_string_equal(v.text, "/run/credentials/other.service/probe-key");
	option_value_fini(&v);
	setenv("MAINPID", "12", 1);
	assert_true(option_parse(&row, "%d/probe-key", &v, why, sizeof why));
	assert_string_equal(v.text, "/proc/12/root/run/credentials/other.service/probe-key");
	option_value_fini(&v);
	unsetenv("MAINPID");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_true(option_parse(&row, "%d/probe-key", &v, why, sizeof why));
	assert_string_equal(v.text, "/run/credentials/t3ops.service/probe-key");
	option_value_fini(&v);
	assert_true(option_parse(&row, "/etc/t3ops/probe-key", &v, why, sizeof why));
	assert_string_equal(v.text, "/etc/t3ops/probe-key");
	option_value_fini(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_durations),  cmocka_unit_test(test_bytes),    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_addresses),  cmocka_unit_test(test_values),   cmocka_unit_test(test_fallbacks),
	    cmocka_unit_test(test_doubts),     cmocka_unit_test(test_list),     cmocka_unit_test(test_secret_file),
	    cmocka_unit_test(test_type_names), cmocka_unit_test(test_key_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

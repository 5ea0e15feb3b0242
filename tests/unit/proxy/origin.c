/* SPDX-License-Identifier: MIT */
/* Whose pages may open a WebSocket, and whether the proxy showed its secret. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/http_parse.h"
#include "plugin.h"
#include "proxy/origin.h"
#include "proxy/proxy_secret.h"

static const char *head_of(struct http_head *h, const char *target, const char *fields)
{
	static char text[2048];
	int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n%s\r\n", target, fields);

	assert_true(n > 0 && (size_t)n < sizeof text);
	assert_int_equal(http_request_parse(h, text, (size_t)n), HTTP_SYNTAX_OK);
	return text;
}

static const struct {
	const char *target, *fields;
	enum origin_verdict verdict;
} rows[] = {
    {"/ws", "Host: t3.example.com\r\nOrigin: https://t3.example.com\r\n", ORIGIN_OURS},
    {"/ws", "Host: T3.example.com\r\nOrigin: https://t3.EXAMPLE.com\r\n", ORIGIN_OURS},
    {"/ws", "Host: t3.example.com:443\r\nOrigin: https://t3.example.com\r\n", ORIGIN_OURS},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://t3.example.com:443\r\n", ORIGIN_OURS},
    {"/ws", "Host: t3.example.com\r\nOrigin: http://t3.example.com:80\r\n", ORIGIN_OURS},
    {"/ws", "Host: [::1]:3780\r\nOrigin: http://[::1]:3780\r\n", ORIGIN_OURS},
    {"/ws", "Host: t3.example.com:8443\r\nOrigin: https://t3.example.com:8443\r\n", ORIGIN_OURS},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://listed.example.org\r\n", ORIGIN_OURS},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://Listed.example.org\r\n", ORIGIN_OURS},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://listed.example.org:444\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: http://listed.example.org\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://evil.example.com\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://t3.example.com.evil.org\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://evilt3.example.com\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://t3.example.com:8443\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com:443\r\nOrigin: http://t3.example.com\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://t3.example.com@evil.org\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: t3.example.com\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: null\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin:\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\nOrigin: https://t3.example.com\r\nOrigin: https://t3.example.com\r\n",
     ORIGIN_FOREIGN},
    {"/ws?wsTicket=abc", "Host: t3.example.com\r\nOrigin: https://evil.example.com\r\n", ORIGIN_FOREIGN},
    {"/ws", "Host: t3.example.com\r\n", ORIGIN_ABSENT},
    {"/ws", "Host: t3.example.com\r\nCookie: t3_session=abc\r\n", ORIGIN_ABSENT},
    {"/ws?wsTicket=abc", "Host: t3.example.com\r\n", ORIGIN_TICKET},
    {"/ws?a=b&wsToken=abc", "Host: t3.example.com\r\n", ORIGIN_TICKET},
    {"/ws?wsTicket=", "Host: t3.example.com\r\n", ORIGIN_ABSENT},
    {"/ws?wsTicket=&a=b", "Host: t3.example.com\r\n", ORIGIN_ABSENT},
    {"/ws?xwsTicket=abc", "Host: t3.example.com\r\n", ORIGIN_ABSENT},
    {"/wsTicket=abc", "Host: t3.example.com\r\n", ORIGIN_ABSENT},
    {"/ws", "Host: t3.example.com\r\nAuthorization: Bearer abc\r\n", ORIGIN_TICKET},
    {"/ws", "Host: t3.example.com\r\nAuthorization: Basic abc\r\n", ORIGIN_ABSENT},
    {"/ws", "Host: t3.example.com\r\nAuthorization: DPoP abc\r\n", ORIGIN_TICKET},
    {"/ws", "Host: t3.example.com\r\nAuthorization: Bearer\r\n", ORIGIN_ABSENT},
    {"/ws", "Host: t3.example.com\r\nAuthorization: DPoP\r\n", ORIGIN_ABSENT},
};

static void test_origin(void **state)
{
	char *items[] = {(char *)(uintptr_t) "https://listed.example.org"};
	struct text_list allowed = {items, 1};
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		head_of(&h, rows[i].target, rows[i].fields);
		if (origin_check(&h, &allowed, NULL) != rows[i].verdict)
			fail_msg("%s %s: %d", rows[i].target, rows[i].fields, (int)origin_check(&h, &allowed, NULL));
	}
}

#define PORT_LOST "Host: t3.example.com\r\nOrigin: https://t3.example.com:8443\r\n"
#define INNER     "Host: inner\r\nOrigin: https://t3.example.com\r\n"

/* What a proxy in front of us says that the browser asked for; 10.0.0.1 is another one. */
static const struct {
	const char *fields;
	bool ours;
} forwarded[] = {
    {PORT_LOST, false},
    {PORT_LOST "X-Forwarded-Host: t3.example.com:8443\r\n", true},
    {PORT_LOST "X-Forwarded-Port: 8443\r\n", true},
    {PORT_LOST "X-Forwarded-Port: 443\r\n", false},
    {PORT_LOST "X-Forwarded-Port: 8443\r\nX-Forwarded-Port: 8443\r\n", false},
    {PORT_LOST "X-Forwarded-Port: 84x3\r\n", false},
    {PORT_LOST "X-Forwarded-Port:\r\n", false},
    {PORT_LOST "Forwarded: for=192.0.2.1;host=\"t3.example.com:8443\"\r\n", true},
    {PORT_LOST "Forwarded: for=6.6.6.6;host=\"t3.example.com:8443\", for=192.0.2.1;host=x\r\n", false},
    {PORT_LOST "Forwarded: for=6.6.6.6;host=\"t3.example.com:8443\", for=10.0.0.1;host=x\r\n", true},
    {INNER "X-Forwarded-Host: t3.example.com\r\n", true},
    {INNER "X-Forwarded-Host: T3.example.com:443\r\n", true},
    {INNER "X-Forwarded-Host: other.example.com, t3.example.com\r\n", true},
    {INNER "X-Forwarded-Host: t3.example.com, other.example.com\r\n", false},
    {INNER "X-Forwarded-Host: evil.example.com\r\n", false},
    {INNER "X-Forwarded-Host:\r\n", false},
    {INNER "Forwarded: host=t3.example.com\r\n", true},
    {"Host: inner\r\nOrigin: null\r\nX-Forwarded-Host: null\r\n", false},
};

static void test_forwarded_host(void **state)
{
	struct text_list none = {0};
	struct cidr_list proxies = {0};
	struct http_head h;

	(void)state;
	assert_int_equal(cidr_list_add(&proxies, "10.0.0.1"), CIDR_OK);
	for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++) {
		head_of(&h, "/ws", forwarded[i].fields);
		assert_int_equal(origin_check(&h, &none, NULL), ORIGIN_FOREIGN);
		if ((origin_check(&h, &none, &proxies) == ORIGIN_OURS) != forwarded[i].ours)
			fail_msg("%s", forwarded[i].fields);
	}
	cidr_list_fini(&proxies);
}

static void test_site(void **state)
{
	static const struct {
		const char *fields;
		enum t3ops_site site;
	} cases[] = {
	    {"Host: a\r\n", T3OPS_SITE_UNKNOWN},
	    {"Host: a\r\nSec-Fetch-Site: same-origin\r\n", T3OPS_SITE_OURS},
	    {"Host: a\r\nSec-Fetch-Site: none\r\n", T3OPS_SITE_OURS},
	    {"Host: a\r\nSec-Fetch-Site: same-site\r\n", T3OPS_SITE_OTHER},
	    {"Host: a\r\nSec-Fetch-Site: cross-site\r\nOrigin: https://a\r\n", T3OPS_SITE_OTHER},
	    {"Host: a\r\nSec-Fetch-Site:\r\n", T3OPS_SITE_OTHER},
	    {"Host: a\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Site: same-origin\r\n", T3OPS_SITE_OTHER},
	    {"Host: a\r\nOrigin: https://a\r\n", T3OPS_SITE_OURS},
	    {"Host: a\r\nOrigin: https://A:443\r\n", T3OPS_SITE_OURS},
	    {"Host: a\r\nOrigin: https://b\r\n", T3OPS_SITE_OTHER},
	    {"Host: a\r\nOrigin: null\r\n", T3OPS_SITE_OTHER},
	    {"Host: a\r\nOrigin: https://a\r\nOrigin: https://a\r\n", T3OPS_SITE_OTHER},
	    {"Host: a\r\nX-Forwarded-Host: b\r\nOrigin: https://b\r\n", T3OPS_SITE_OTHER},
	};
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		head_of(&h, "/api", cases[i].fields);
		if (origin_site(&h, NULL) != (uint32_t)cases[i].site)
			fail_msg("%s: %u", cases[i].fields, origin_site(&h, NULL));
	}
}

#define SECRET "correct-horse-battery"

static void test_secret(void **state)
{
	static const struct {
		const char *fields;
		bool shown;
	} cases[] = {
	    {"X-Secret: " SECRET "\r\n", true},
	    {"x-secret:  " SECRET " \r\n", true},
	    {"", false},
	    {"X-Secret:\r\n", false},
	    {"X-Secret: " SECRET "x\r\n", false},
	    {"X-Secret: correct-horse-batterx\r\n", false},
	    {"X-Secret: " SECRET "\r\nX-Secret: " SECRET "\r\n", false},
	    {"X-Secret: " SECRET "\r\nX_Secret: wrong\r\n", false},
	    {"X-Secret: wrong\r\nX-Secret: " SECRET "\r\n", false},
	};
	unsigned char digest[SECRET_DIGEST_BYTES];
	struct http_head h;

	(void)state;
	secret_digest(SECRET, sizeof SECRET - 1, digest);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		head_of(&h, "/", cases[i].fields);
		if (proxy_secret_is_shown(&h, span_of("X-Secret"), digest) != cases[i].shown)
			fail_msg("%s", cases[i].fields);
	}
}

static const char *fault_of(const char *text, mode_t mode, char hex[SECRET_DIGEST_HEX])
{
	char path[] = "/tmp/t3ops-secret.XXXXXX";
	int fd = mkstemp(path);
	const char *fault;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	fault = secret_file_digest(path, hex);
	unlink(path);
	return fault;
}

static void test_secret_file(void **state)
{
	unsigned char digest[SECRET_DIGEST_BYTES], expected[SECRET_DIGEST_BYTES];
	char hex[SECRET_DIGEST_HEX];

	(void)state;
	secret_digest(SECRET, sizeof SECRET - 1, expected);
	assert_null(fault_of(SECRET "\nsecond line\n", 0600, hex));
	assert_true(secret_digest_parse(hex, digest));
	assert_memory_equal(digest, expected, sizeof digest);
	assert_null(fault_of(SECRET, 0440, hex));
	assert_non_null(strstr(fault_of(SECRET, 0644, hex), "by other accounts"));
	assert_non_null(strstr(fault_of("fifteen-bytes-x\n", 0600, hex), "fewer than 16"));
	assert_non_null(strstr(fault_of("", 0600, hex), "fewer than 16"));
	assert_non_null(strstr(fault_of("with a space in the middle", 0600, hex), "header"));
	assert_non_null(strstr(secret_file_digest("/nowhere/at/all", hex), "No such file"));
	assert_non_null(strstr(secret_file_digest("/dev/null", hex), "regular"));
	assert_false(secret_digest_parse("abc", digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_origin), cmocka_unit_test(test_forwarded_host), cmocka_unit_test(test_site),
	    cmocka_unit_test(test_secret), cmocka_unit_test(test_secret_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

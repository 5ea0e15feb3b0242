/* SPDX-License-Identifier: MIT */
/* What a leg is reported by the connection under it: reasons from how transfers fail, the handshake's proof. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "obs/event.h"
#include "net/fetch_reason.h"
#include "net/ws_key.h"

static void reasons(void **state)
{
	static const struct {
		int error;
		enum t3ops_step step;
		enum t3ops_reason want;
	} rows[] = {
	    {-ENOENT, T3OPS_STEP_DNS, T3OPS_R_DNS},
	    {-ETIMEDOUT, T3OPS_STEP_DNS, T3OPS_R_DNS},
	    {-ETIMEDOUT, T3OPS_STEP_CONNECT, T3OPS_R_CONNECT_TIMEOUT},
	    {-ETIMEDOUT, T3OPS_STEP_TLS, T3OPS_R_CONNECT_TIMEOUT},
	    {-ETIMEDOUT, T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT},
	    {-ECONNREFUSED, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED},
	    {-EHOSTUNREACH, T3OPS_STEP_CONNECT, T3OPS_R_UNREACHABLE},
	    {-EADDRNOTAVAIL, T3OPS_STEP_CONNECT, T3OPS_R_UNREACHABLE},
	    {-ECONNRESET, T3OPS_STEP_TLS, T3OPS_R_RESET},
	    {-ENODATA, T3OPS_STEP_HTTP, T3OPS_R_EOF},
	    {-EKEYREJECTED, T3OPS_STEP_TLS, T3OPS_R_TLS},
	    {-EKEYEXPIRED, T3OPS_STEP_TLS, T3OPS_R_CLOCK},
	    {-EKEYREJECTED, T3OPS_STEP_CONNECT, T3OPS_R_IMPOSTOR},
	    {-ENOKEY, T3OPS_STEP_CONNECT, T3OPS_R_LOCAL},
	    {-EPROTO, T3OPS_STEP_TLS, T3OPS_R_TLS},
	    {-EPROTO, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (fetch_reason(rows[i].error, rows[i].step) != rows[i].want)
			fail_msg("row %zu: %s", i, reason_label(fetch_reason(rows[i].error, rows[i].step)));
	assert_int_equal(status_reason(302), T3OPS_R_WALLED_OFF);
	assert_int_equal(status_reason(403), T3OPS_R_HTTP_STATUS);
	assert_int_equal(status_reason(502), T3OPS_R_HTTP_STATUS);
}

/* The example of RFC 6455 section 1.3. */
static void handshake(void **state)
{
	char accept[WS_ACCEPT_SIZE], first[WS_KEY_SIZE], second[WS_KEY_SIZE];

	(void)state;
	ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_int_equal(ws_key_make(first), 0);
	assert_int_equal(ws_key_make(second), 0);
	assert_string_not_equal(first, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reasons), cmocka_unit_test(handshake)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

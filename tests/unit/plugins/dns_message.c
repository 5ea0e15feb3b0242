/* SPDX-License-Identifier: MIT */
/* DNS messages: the bytes of questions, and answers as resolvers write them, cut short and forged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe_cloudflare/dns_message.h"

#define BYTES(text) text, sizeof(text) - 1

/* Question of "a.b", type A. */
#define QUESTION                               "\1a\1b\0\0\1\0\1"
#define HEAD(flags, rcode, questions, answers) "\0\0" flags rcode "\0" questions "\0" answers "\0\0\0\0"
#define ANSWERED                               "\x81"
#define POINTER                                "\xc0\x0c"
#define TTL                                    "\0\0\1\x2c"
#define A(number)                              POINTER "\0\1\0\1" TTL "\0\4" number
#define AAAA                                                                                                         \
	POINTER "\0\x1c\0\1" TTL "\0\x10"                                                                            \
	        "\x26\x06\x47\0\0\0\0\0\0\0\0\0\0\0\0\1"
#define CNAME                                                                                                        \
	POINTER "\0\5\0\1" TTL "\0\5"                                                                                \
	        "\1c\1d\0"

static void test_question(void **state)
{
	static const char want[] = "\0\0\1\0\0\1\0\0\0\0\0\0\2t3\7example\3com\0\0\x1c\0\1";
	uint8_t out[DNS_QUERY_MAX];

	(void)state;
	assert_int_equal(dns_query_make("t3.example.com", DNS_AAAA, out), sizeof want - 1);
	assert_memory_equal(out, want, sizeof want - 1);
	assert_int_equal(dns_query_make("t3.example.com.", DNS_AAAA, out), sizeof want - 1);
	assert_memory_equal(out, want, sizeof want - 1);
}

static void test_names(void **state)
{
	char label63[64], label64[65], name253[254], name254[255];
	struct {
		const char *name;
		bool good;
	} rows[] = {
	    {"a", true},     {"a.b", true},   {"", false},      {".", false},    {".a", false},
	    {"a..b", false}, {label63, true}, {label64, false}, {name253, true}, {name254, false},
	};
	uint8_t out[DNS_QUERY_MAX];

	(void)state;
	memset(label63, 'x', 63);
	memset(label64, 'x', 64);
	label63[63] = label64[64] = '\0';
	for (size_t i = 0; i < 254; i++)
		name254[i] = i % 2 == 0 || i == 253 ? 'a' : '.';
	memcpy(name253, name254, 253);
	name253[253] = name254[254] = '\0';
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(dns_query_make(rows[i].name, DNS_A, out) > 0, rows[i].good);
}

struct answered {
	const char *bytes;
	size_t len;
	enum dns_type type;
	int result;
	unsigned rcode, n;
	const char *first;
};

static const struct answered answers[] = {
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\1") QUESTION A("\x0a\0\x14\xcb")), DNS_A, 0, 0, 1, "10.0.20.203"},
    {BYTES(HEAD(ANSWERED, "\x80", "\0", "\1") A("\1\2\3\4")), DNS_A, 0, 0, 1, "1.2.3.4"},
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\2") QUESTION A("\1\2\3\4") A("\4\3\2\1")), DNS_A, 0, 0, 2, "1.2.3.4"},
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\2") QUESTION CNAME A("\1\2\3\4")), DNS_A, 0, 0, 1, "1.2.3.4"},
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\1") QUESTION CNAME), DNS_A, 0, 0, 0, NULL},
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\1") QUESTION AAAA), DNS_AAAA, 0, 0, 1, "2606:4700::1"},
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\1") QUESTION AAAA), DNS_A, 0, 0, 0, NULL},
    {BYTES(HEAD(ANSWERED, "\x83", "\1", "\0") QUESTION), DNS_A, 0, 3, 0, NULL},
    {BYTES(HEAD(ANSWERED, "\x82", "\0", "\0")), DNS_A, 0, 2, 0, NULL},
    /* what is beyond the answers is not read */
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\1") QUESTION A("\1\2\3\4") "\xff\xff"), DNS_A, 0, 0, 1, "1.2.3.4"},
    /* an address of the wrong length, of another class, of another type with four bytes */
    {BYTES(HEAD(ANSWERED, "\x80", "\0", "\1") POINTER "\0\1\0\1" TTL "\0\3"
                                                      "\1\2\3"),
     DNS_A, 0, 0, 0, NULL},
    {BYTES(HEAD(ANSWERED, "\x80", "\0", "\1") POINTER "\0\1\0\3" TTL "\0\4"
                                                      "\1\2\3\4"),
     DNS_A, 0, 0, 0, NULL},
    {BYTES(HEAD(ANSWERED, "\x80", "\0", "\1") POINTER "\0\x63\0\1" TTL "\0\4"
                                                      "\1\2\3\4"),
     DNS_A, 0, 0, 0, NULL},
    /* no answers at all */
    {BYTES(""), DNS_A, -EPROTO, 0, 0, NULL},
    {BYTES("<html>not found</html>"), DNS_A, -EPROTO, 0, 0, NULL},
    {BYTES(HEAD("\1", "\0", "\1", "\0") QUESTION), DNS_A, -EPROTO, 0, 0, NULL}, /* a question */
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\2") QUESTION A("\1\2\3\4")), DNS_A, -EPROTO, 0, 1, "1.2.3.4"},
    {BYTES(HEAD(ANSWERED, "\x80", "\1", "\1") "\x80"
                                              "b\0\0\1\0\1" A("\1\2\3\4")),
     DNS_A, -EPROTO, 0, 0, NULL},
    {BYTES(HEAD(ANSWERED, "\x80", "\0", "\1") POINTER "\0\1\0\1" TTL "\xff\xff"
                                                      "\1\2\3\4"),
     DNS_A, -EPROTO, 0, 0, NULL},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		const struct answered *row = &answers[i];
		struct dns_answer a;

		assert_int_equal(dns_answer_read(row->bytes, row->len, row->type, &a), row->result);
		assert_int_equal(a.rcode, row->rcode);
		assert_int_equal(a.n, row->n);
		if (row->first)
			assert_string_equal(a.addresses[0], row->first);
	}
}

/* An answer that ends early is none, wherever it ends. */
static void test_cut_short(void **state)
{
	static const char whole[] = HEAD(ANSWERED, "\x80", "\1", "\2") QUESTION CNAME A("\1\2\3\4");
	struct dns_answer a;

	(void)state;
	for (size_t len = 0; len < sizeof whole - 1; len++) {
		char *copy = malloc(len + 1); /* so that a sanitizer sees a read beyond it */

		assert_non_null(copy);
		memcpy(copy, whole, len);
		assert_int_equal(dns_answer_read(copy, len, DNS_A, &a), -EPROTO);
		free(copy);
	}
	assert_int_equal(dns_answer_read(whole, sizeof whole - 1, DNS_A, &a), 0);
}

static void test_many_addresses(void **state)
{
	static const char head[] = HEAD(ANSWERED, "\x80", "\0", "\x64"), record[] = A("\1\2\3\4");
	char whole[sizeof head - 1 + 100 * (sizeof record - 1)];
	struct dns_answer a;

	(void)state;
	memcpy(whole, head, sizeof head - 1);
	for (size_t i = 0; i < 100; i++)
		memcpy(whole + sizeof head - 1 + i * (sizeof record - 1), record, sizeof record - 1);
	assert_int_equal(dns_answer_read(whole, sizeof whole, DNS_A, &a), 0);
	assert_int_equal(a.n, DNS_ADDRESSES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_question),  cmocka_unit_test(test_names),          cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_cut_short), cmocka_unit_test(test_many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

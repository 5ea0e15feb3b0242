/* SPDX-License-Identifier: MIT */
/* Claims, keys, what was proven, and how long keys are kept.  Signatures by another hand: test_identity_jwt.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "identity_jwt/lifetime.h"
#include "identity_jwt/proofs.h"
#include "identity_jwt/token.h"

#define NOW   1800000000
#define ISS   "\"iss\":\"https://i\""
#define AUD   "\"aud\":\"app\""
#define EXP   "\"exp\":1800000100"
#define USER  "\"email\":\"alice\""
#define RS256 algorithm_bit("RS256")
#define ES256 algorithm_bit("ES256")
/* Of RFC 7515, A.2.1 and A.3.1; N is the modulus. */
#define N                                                                                                            \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-"     \
	"SFd2l"                                                                                                      \
	"ZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"         \
	"UTo7WTBEM"                                                                                                  \
	"a2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"                         \
	"h9iaGNj8q2ethFkMLs91kzk2P"                                                                                  \
	"AcDTW9gb54h4FRWyuXpoQ"
#define RSA "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" N "\""
#define EC                                                                                                           \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_"          \
	"FEzRu9m36HL"                                                                                                \
	"N_tue659LNpXW6pCyStikYjKIWI5a0\""

static const char *const audiences[] = {"other", "app", NULL};
static const struct claim_rules rules = {
    .issuer = "https://i", .audiences = audiences, .user = "email", .leeway_s = 30};

/* ---- claims ------------------------------------------------------------------------------------------------- */

static void test_claims(void **state)
{
	static const struct {
		const char *text;
		enum jwt_fault want;
	} rows[] = {
	    {"{" ISS "," AUD "," EXP "," USER "}", JWT_PROVEN},
	    {"{" ISS ",\"aud\":[\"x\",\"other\"]," EXP "," USER "}", JWT_PROVEN},
	    {"{" ISS "," AUD ",\"exp\":1799999971," USER "}", JWT_PROVEN},
	    {"{" ISS "," AUD ",\"exp\":1799999970," USER "}", JWT_EXPIRED},
	    {"{" ISS "," AUD ",\"exp\":1799999970.9," USER "}", JWT_EXPIRED},
	    {"{" ISS "," AUD "," EXP ",\"nbf\":1800000030,\"iat\":1800000030," USER "}", JWT_PROVEN},
	    {"{" ISS "," AUD "," EXP ",\"nbf\":1800000031," USER "}", JWT_EARLY},
	    {"{" ISS "," AUD "," EXP ",\"iat\":1800000031," USER "}", JWT_EARLY},
	    {"{" ISS "," AUD "," EXP ",\"nbf\":\"0\"," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD "," EXP ",\"iat\":null," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD ",\"exp\":-1," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD ",\"exp\":1e300," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD ",\"exp\":9223372036854775807," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD ",\"exp\":true," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD "," USER "}", JWT_CLAIMS},
	    {"{" AUD "," EXP "," USER "}", JWT_ISSUER},
	    {"{\"iss\":\"https://I\"," AUD "," EXP "," USER "}", JWT_ISSUER},
	    {"{\"iss\":[\"https://i\"]," AUD "," EXP "," USER "}", JWT_ISSUER},
	    {"{" ISS "," EXP "," USER "}", JWT_AUDIENCE},
	    {"{" ISS ",\"aud\":\"ap\"," EXP "," USER "}", JWT_AUDIENCE},
	    {"{" ISS ",\"aud\":[]," EXP "," USER "}", JWT_AUDIENCE},
	    {"{" ISS ",\"aud\":[\"app\",1]," EXP "," USER "}", JWT_CLAIMS},
	    {"{" ISS ",\"aud\":{\"app\":1}," EXP "," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD "," EXP "}", JWT_NO_USER},
	    {"{" ISS "," AUD "," EXP ",\"email\":\"\"}", JWT_NO_USER},
	    {"{" ISS "," AUD "," EXP ",\"email\":7}", JWT_NO_USER},
	    {"{" ISS "," AUD "," EXP ",\"email\":\"a\\u0000b\"}", JWT_CLAIMS},
	    {"{" ISS "," AUD "," EXP "," USER "," USER "}", JWT_CLAIMS},
	    {"{" ISS "," ISS "," AUD "," EXP "," USER "}", JWT_CLAIMS},
	    {"{" ISS "," AUD "," EXP "," USER ",\"x\":{\"y\":1,\"y\":1}}", JWT_CLAIMS},
	    {"{" ISS "," AUD "," EXP "," USER "} {}", JWT_CLAIMS},
	    {"[]", JWT_CLAIMS},
	    {"", JWT_CLAIMS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct claims c;
		enum jwt_fault got = claims_check(rows[i].text, strlen(rows[i].text), &rules, NOW, &c);

		if (got != rows[i].want)
			fail_msg("%s: %s", rows[i].text, jwt_fault_label(got));
		if (got == JWT_PROVEN)
			assert_string_equal(c.user, "alice");
	}
}

static void test_names_that_do_not_fit(void **state)
{
	char text[1024], name[301];
	struct claims c;

	(void)state;
	for (size_t len = 253; len < sizeof name; len++) {
		memset(name, 'x', len);
		name[len] = '\0';
		snprintf(text, sizeof text, "{" ISS "," AUD "," EXP ",\"email\":\"%s\"}", name);
		assert_int_equal(claims_check(text, strlen(text), &rules, NOW, &c),
		                 len < T3OPS_USER_NAME_SIZE ? JWT_PROVEN : JWT_NO_USER);
	}
}

/* ---- keys --------------------------------------------------------------------------------------------------- */

static void test_key_sets(void **state)
{
	static const struct {
		const char *text, *want; /* its summary; else why not */
	} rows[] = {
	    {"{\"keys\":[{" RSA ",\"kid\":\"a\"}]}", "1 key: a (RS256)"},
	    {"{\"keys\":[{" RSA "}]}", "1 key: without an id (RS256)"},
	    {"{\"keys\":[{" EC ",\"kid\":\"b\",\"use\":\"sig\"},{" RSA ",\"kid\":\"a\",\"alg\":\"RS256\"}]}",
	     "2 keys: b (ES256), a (RS256)"},
	    {"{\"keys\":[{" RSA ",\"key_ops\":[\"sign\",\"verify\"]}],\"x\":1}", "1 key: without an id (RS256)"},
	    {"{\"keys\":[{" RSA ",\"kid\":\"a\",\"x5c\":[\"junk\"]},{},7,null]}", "1 key: a (RS256)"},
	    {"{\"keys\":[{" RSA ",\"use\":\"enc\"}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{" RSA ",\"use\":7}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{" RSA ",\"key_ops\":[\"sign\"]}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{" RSA ",\"alg\":\"RS512\"}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{" RSA ",\"alg\":\"ES256\"}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{" RSA ",\"alg\":\"none\"}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{" RSA ",\"alg\":5}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{" RSA ",\"kid\":5}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQAB\"}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}]}",
	     "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}]}",
	     "none of its 1 keys is for RS256 ES256"},
	    {"{\"keys\":[]}", "none of its 0 keys is for RS256 ES256"},
	    {"{\"keys\":{}}", "it is no key set: it has no list \"keys\""},
	    {"[]", "it is no key set: it has no list \"keys\""},
	    {"{\"keys\":[],\"keys\":[]}", "it is not JSON, or repeats a name"},
	    {"<html>", "it is not JSON, or repeats a name"},
	    {"", "it is not JSON, or repeats a name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char why[KEY_SET_WHY] = "", summary[KEY_SET_SUMMARY] = "";
		struct key_set *s = key_set_read(rows[i].text, strlen(rows[i].text), RS256 | ES256, why);

		if (s != NULL)
			key_set_summarize(s, summary);
		if (strcmp(s != NULL ? summary : why, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].text, s != NULL ? summary : why);
		key_set_free(s);
	}
}

static void test_which_key(void **state)
{
	static const char text[] = "{\"keys\":[{" RSA ",\"kid\":\"a\"},{" EC ",\"kid\":\"b\"},{" RSA
	                           ",\"kid\":\"c\"},{" EC ",\"kid\":\"a\"}]}";
	char why[KEY_SET_WHY];
	struct key_set *s = key_set_read(text, strlen(text), RS256 | ES256, why);

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->n, 4);
	assert_ptr_equal(key_set_find(s, "a", RS256), &s->keys[0]);
	assert_ptr_equal(key_set_find(s, "a", ES256), &s->keys[3]);
	assert_ptr_equal(key_set_find(s, "b", ES256), &s->keys[1]);
	assert_null(key_set_find(s, "b", RS256));
	assert_null(key_set_find(s, "", RS256));
	assert_null(key_set_find(s, NULL, RS256)); /* two would do */
	assert_null(key_set_find(s, "a", algorithm_bit("HS256")));
	key_set_free(s);
	assert_null(key_set_of_secret("0123456789012345678901234567890", 31, algorithm_bit("HS256"), why));
	s = key_set_of_secret("01234567890123456789012345678901", 32, algorithm_bit("HS256"), why);
	assert_non_null(key_set_find(s, NULL, algorithm_bit("HS256")));
	assert_non_null(key_set_find(s, "any", algorithm_bit("HS256")));
	assert_null(key_set_find(s, NULL, algorithm_bit("HS512")));
	key_set_free(s);
}

/* ---- a token ------------------------------------------------------------------------------------------------ */

/* That of RFC 7515, A.2: good, but its claims are of 2011 and name nobody.  So its signature counts, and no other. */
static void test_token(void **state)
{
	static const char set[] = "{\"keys\":[{" RSA "}]}", //
	    token[] =
	        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p"
	        "c19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc"
	        "_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNP"
	        "vkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6Ie"
	        "YI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
	char why[KEY_SET_WHY], bad[sizeof token];
	struct key_set *s = key_set_read(set, strlen(set), RS256, why);
	struct claims c;

	(void)state;
	assert_int_equal(token_check(token, strlen(token), s, RS256, &rules, NOW, &c), JWT_ISSUER);
	for (size_t i = 0; i < strlen(token); i++) {
		enum jwt_fault f;

		assert_int_equal(token_check(token, i, s, RS256, &rules, NOW, &c) == JWT_ISSUER, false);
		memcpy(bad, token, sizeof token);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		f = token_check(bad, strlen(bad), s, RS256, &rules, NOW, &c);
		/* the last one holds four bits that are none of the signature's */
		assert_true(i + 1 == strlen(token) || f == JWT_SIGNATURE || f == JWT_MALFORMED || f == JWT_ALGORITHM);
	}
	assert_int_equal(token_check(token, strlen(token), s, ES256, &rules, NOW, &c), JWT_ALGORITHM);
	key_set_free(s);
}

/* ---- what was proven ---------------------------------------------------------------------------------------- */

static bool add(struct proofs *p, uint8_t id, int64_t expires_s, int64_t now_s)
{
	uint8_t key[PROOF_KEY_BYTES] = {[PROOF_KEY_BYTES - 1] = id}; /* in one bucket */
	struct claims c = {.user = "alice", .expires_s = expires_s};

	return proofs_add(p, key, &c, now_s);
}

static bool knows(struct proofs *p, uint8_t id, int64_t now_s)
{
	uint8_t key[PROOF_KEY_BYTES] = {[PROOF_KEY_BYTES - 1] = id};
	const char *user = proofs_find(p, key, now_s);

	return user != NULL && strcmp(user, "alice") == 0;
}

static void test_proofs(void **state)
{
	struct proofs *p = proofs_new(3);

	(void)state;
	assert_false(add(p, 1, 100, 0));
	assert_false(add(p, 2, 200, 0));
	assert_true(knows(p, 1, 99));
	assert_false(knows(p, 1, 100)); /* and forgotten */
	assert_int_equal(proofs_count(p), 1);
	assert_false(add(p, 3, 200, 100));
	assert_false(add(p, 4, 200, 100));
	assert_true(knows(p, 2, 100));
	assert_true(add(p, 5, 200, 100)); /* 3 was not seen for longest */
	assert_false(knows(p, 3, 100));
	assert_true(knows(p, 2, 100) && knows(p, 4, 100) && knows(p, 5, 100));
	assert_false(add(p, 6, 300, 250)); /* what has expired is no loss */
	assert_int_equal(proofs_count(p), 3);
	proofs_clear(p);
	assert_false(knows(p, 6, 250));
	assert_int_equal(proofs_count(p), 0);
	proofs_free(p);
}

static void test_proof_keys(void **state)
{
	uint8_t one[PROOF_KEY_BYTES], other[PROOF_KEY_BYTES];

	(void)state;
	proof_key_make("abc", 3, one);
	assert_int_equal(one[0], 0xba); /* SHA-256 of FIPS 180-2, B.1 */
	assert_int_equal(one[31], 0xad);
	proof_key_make("abd", 3, other);
	assert_memory_not_equal(one, other, PROOF_KEY_BYTES);
}

/* ---- how long ----------------------------------------------------------------------------------------------- */

static void test_lifetime(void **state)
{
	static const struct {
		const char *control, *age;
		uint64_t want_s;
	} rows[] = {
	    {NULL, NULL, 3600},
	    {"no-store", NULL, 3600},
	    {"public, max-age=1000", NULL, 800},
	    {"Max-Age=1000,public", "500", 400},
	    {"max-age=1000", "2000", 60},
	    {"max-age=86400", NULL, 3600},
	    {"max-age=10", NULL, 60},
	    {"max-age=0", NULL, 60},
	    {"max-age=999999999999999999999999", NULL, 3600},
	    {"max-age=-5", NULL, 60},
	    {"s-maxage=100", NULL, 3600},
	    {"x=\"max-age=1\"", NULL, 3600},
	    {",,, ,max-age=500", "junk", 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(lifetime_us(rows[i].control, rows[i].age, UINT64_C(3600000000)),
		                 rows[i].want_s * 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_claims),     cmocka_unit_test(test_names_that_do_not_fit),
	    cmocka_unit_test(test_key_sets),   cmocka_unit_test(test_which_key),
	    cmocka_unit_test(test_token),      cmocka_unit_test(test_proofs),
	    cmocka_unit_test(test_proof_keys), cmocka_unit_test(test_lifetime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Reading keys; see key_set.h. */
#include "identity_jwt/key_set.h"

#include <jansson.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity_jwt/base64url.h"

static void *fail(char why[KEY_SET_WHY], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void *fail(char why[KEY_SET_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, KEY_SET_WHY, fmt, ap);
	va_end(ap);
	return NULL;
}

/* ---- one key ------------------------------------------------------------------------------------------------ */

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* Not for encryption, and not for signing alone. */
static bool is_for_verification(const json_t *jwk)
{
	const json_t *use = json_object_get(jwk, "use"), *ops = json_object_get(jwk, "key_ops"), *op;
	bool verifies = ops == NULL;
	size_t i;

	json_array_foreach (ops, i, op)
		verifies = verifies || is_text(op, "verify");
	return verifies && (use == NULL || is_text(use, "sig"));
}

static bool has_good_size(const cjose_jwk_t *key)
{
	size_t bits = cjose_jwk_get_keysize(key, NULL);

	return cjose_jwk_get_kty(key, NULL) != CJOSE_JWK_KTY_RSA || (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX);
}

/* What it may be used with: what its kind allows and its "alg" says. */
static uint32_t algorithms_of(const cjose_jwk_t *key, const json_t *jwk)
{
	cjose_jwk_kty_t kind = cjose_jwk_get_kty(key, NULL);
	cjose_jwk_ec_curve curve = kind == CJOSE_JWK_KTY_EC ? cjose_jwk_EC_get_curve(key, NULL) : 0;
	const json_t *alg = json_object_get(jwk, "alg");
	uint32_t bits = algorithm_of_key(kind, curve);

	return alg == NULL ? bits : json_is_string(alg) ? bits & algorithm_bit(json_string_value(alg)) : 0;
}

/* The library asserts what it decodes. */
static bool member_copy(const json_t *from, const char *name, json_t *to)
{
	const json_t *value = json_object_get(from, name);
	size_t len = json_string_length(value);

	return base64url_valid(json_string_value(value), len) &&
	       json_object_set_new(to, name, json_stringn(json_string_value(value), len)) == 0;
}

/* What makes the public key, and nothing else: NULL without it. */
static cjose_jwk_t *public_import(const json_t *jwk)
{
	bool is_rsa = is_text(json_object_get(jwk, "kty"), "RSA");
	const char *crv = json_string_value(json_object_get(jwk, "crv"));
	json_t *bare = json_pack("{s:s}", "kty", is_rsa ? "RSA" : "EC");
	cjose_jwk_t *key = NULL;

	if (is_rsa ? member_copy(jwk, "n", bare) && member_copy(jwk, "e", bare)
	           : crv != NULL && json_object_set_new(bare, "crv", json_string(crv)) == 0 &&
	                 member_copy(jwk, "x", bare) && member_copy(jwk, "y", bare))
		key = cjose_jwk_import_json(bare, NULL);
	json_decref(bare);
	return key;
}

/* A secret in a public set is a mistake at best. */
static cjose_jwk_t *jwk_import(const json_t *jwk)
{
	const json_t *kind = json_object_get(jwk, "kty"), *id = json_object_get(jwk, "kid");

	if ((!is_text(kind, "RSA") && !is_text(kind, "EC")) || !is_for_verification(jwk) ||
	    (id != NULL && (!json_is_string(id) || json_string_length(id) > KEY_ID_MAX)))
		return NULL;
	return public_import(jwk);
}

static void key_add(struct key_set *s, const json_t *jwk, uint32_t algorithms)
{
	const char *id = json_string_value(json_object_get(jwk, "kid"));
	cjose_jwk_t *key = jwk_import(jwk);
	uint32_t bits = key != NULL && has_good_size(key) ? algorithms_of(key, jwk) & algorithms : 0;
	char *copy = bits != 0 && id != NULL ? strdup(id) : NULL;

	if (bits == 0 || (id != NULL && copy == NULL)) {
		if (key != NULL)
			cjose_jwk_release(key);
		return;
	}
	s->keys[s->n++] = (struct key){.jwk = key, .id = copy, .algorithms = bits};
}

/* ---- all of them -------------------------------------------------------------------------------------------- */

static struct key_set *keys_take(json_t *keys, uint32_t algorithms, char why[KEY_SET_WHY])
{
	struct key_set *s;
	char names[96];
	json_t *one;
	size_t i;

	if (!json_is_array(keys))
		return fail(why, "it is no key set: it has no list \"keys\"");
	if (json_array_size(keys) > KEY_SET_MAX)
		return fail(why, "it has %zu keys: expected at most %d", json_array_size(keys), KEY_SET_MAX);
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return fail(why, "no memory");
	json_array_foreach (keys, i, one)
		key_add(s, one, algorithms);
	ERR_clear_error(); /* of those that are none: TLS must not find it */
	if (s->n > 0)
		return s;
	key_set_free(s);
	algorithm_names(algorithms, names, sizeof names);
	return fail(why, "none of its %zu keys is for %s", json_array_size(keys), names);
}

struct key_set *key_set_read(const char *text, size_t len, uint32_t algorithms, char why[KEY_SET_WHY])
{
	json_t *set = len <= KEY_SET_BYTES ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	struct key_set *s = set != NULL           ? keys_take(json_object_get(set, "keys"), algorithms, why)
	                    : len > KEY_SET_BYTES ? fail(why, "it is larger than %d KiB", KEY_SET_BYTES / 1024)
	                                          : fail(why, "it is not JSON, or repeats a name");

	json_decref(set);
	return s;
}

struct key_set *key_set_of_secret(const char *secret, size_t len, uint32_t algorithms, char why[KEY_SET_WHY])
{
	struct key_set *s;

	if (len < SECRET_BYTES)
		return fail(why, "it is shorter than %d bytes", SECRET_BYTES);
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return fail(why, "no memory");
	s->is_secret = true;
	s->keys[0] = (struct key){.jwk = cjose_jwk_create_oct_spec((const uint8_t *)secret, len, NULL),
	                          .algorithms = algorithms & algorithm_of_key(CJOSE_JWK_KTY_OCT, 0)};
	s->n = s->keys[0].jwk != NULL;
	if (s->n > 0)
		return s;
	key_set_free(s);
	return fail(why, "no memory");
}

void key_set_free(struct key_set *s)
{
	for (size_t i = 0; s != NULL && i < s->n; i++) {
		cjose_jwk_release(s->keys[i].jwk);
		free(s->keys[i].id);
	}
	free(s);
}

/* ---- finding ------------------------------------------------------------------------------------------------ */

const struct key *key_set_find(const struct key_set *s, const char *id, uint32_t algorithm)
{
	const struct key *found = NULL;
	bool any = s->is_secret || id == NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct key *k = &s->keys[i];

		if ((k->algorithms & algorithm) == 0 || (!any && (k->id == NULL || strcmp(k->id, id) != 0)))
			continue;
		if (found != NULL)
			return any ? NULL : found;
		found = k;
	}
	return found;
}

void key_set_summarize(const struct key_set *s, char out[KEY_SET_SUMMARY])
{
	int used = snprintf(out, KEY_SET_SUMMARY, "%zu key%s: ", s->n, s->n == 1 ? "" : "s");

	for (size_t i = 0; i < s->n && used < KEY_SET_SUMMARY; i++) {
		char names[96];

		algorithm_names(s->keys[i].algorithms, names, sizeof names);
		used += snprintf(out + used, (size_t)(KEY_SET_SUMMARY - used), "%s%.64s (%s)", i > 0 ? ", " : "",
		                 s->keys[i].id != NULL ? s->keys[i].id : "without an id", names);
	}
}

/* SPDX-License-Identifier: MIT */
/* Checking tokens; see token.h. */
#include "identity_jwt/token.h"

#include <jansson.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "identity_jwt/base64url.h"

/* What of a token's header counts. */
struct token_head {
	uint32_t algorithm;
	char id[KEY_ID_MAX + 1];
	bool has_id;
};

/* ---- its form ----------------------------------------------------------------------------------------------- */

/* The length of the next part, which a dot ends, or the end of all; 0: it is none. */
static size_t part_length(const char *at, size_t left)
{
	const char *dot = memchr(at, '.', left);
	size_t len = dot != NULL ? (size_t)(dot - at) : left;

	return base64url_valid(at, len) ? len : 0;
}

/* Three parts, none of them empty: what is not signed has an empty one. */
static bool is_compact(const char *token, size_t len)
{
	size_t used = 0;

	for (int i = 0; i < 3; i++) {
		size_t n = part_length(token + used, len - used);

		if (n == 0)
			return false;
		used += n;
		if (i < 2 && (used == len || token[used++] != '.'))
			return false;
	}
	return used == len;
}

/* ---- its header --------------------------------------------------------------------------------------------- */

static json_t *header_load(const char *token, size_t len)
{
	uint8_t *text = NULL;
	size_t n = 0;
	json_t *header = NULL;

	if (cjose_base64url_decode(token, (size_t)((const char *)memchr(token, '.', len) - token), &text, &n, NULL))
		header = json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL);
	cjose_get_dealloc()(text);
	return header;
}

static enum jwt_fault header_judge(const json_t *header, uint32_t algorithms, struct token_head *out)
{
	const json_t *alg = json_object_get(header, "alg"), *id = json_object_get(header, "kid");

	if (!json_is_object(header) || !json_is_string(alg) || (id != NULL && !json_is_string(id)))
		return JWT_MALFORMED;
	if (json_object_get(header, "crit") != NULL)
		return JWT_CRITICAL;
	out->algorithm = algorithm_bit(json_string_value(alg)) & algorithms;
	if (out->algorithm == 0)
		return JWT_ALGORITHM;
	if (json_string_length(id) > KEY_ID_MAX)
		return JWT_KEY;
	out->has_id = id != NULL;
	memcpy(out->id, id != NULL ? json_string_value(id) : "", json_string_length(id) + 1);
	return JWT_PROVEN;
}

static enum jwt_fault header_read(const char *token, size_t len, uint32_t algorithms, struct token_head *out)
{
	json_t *header = header_load(token, len);
	enum jwt_fault fault = header_judge(header, algorithms, out);

	json_decref(header);
	return fault;
}

/* ---- its signature, and what it covers ---------------------------------------------------------------------- */

static enum jwt_fault payload_check(const cjose_jws_t *jws, const struct claim_rules *rules, int64_t now_s,
                                    struct claims *out)
{
	uint8_t *text; /* of jws */
	size_t n;

	if (!cjose_jws_get_plaintext(jws, &text, &n, NULL))
		return JWT_MALFORMED;
	return claims_check((const char *)text, n, rules, now_s, out);
}

static enum jwt_fault signed_check(const char *token, size_t len, const struct key *key,
                                   const struct claim_rules *rules, int64_t now_s, struct claims *out)
{
	cjose_jws_t *jws = cjose_jws_import(token, len, NULL);
	enum jwt_fault fault;

	if (jws == NULL)
		return JWT_MALFORMED;
	fault = cjose_jws_verify(jws, key->jwk, NULL) ? payload_check(jws, rules, now_s, out) : JWT_SIGNATURE;
	cjose_jws_release(jws);
	return fault;
}

enum jwt_fault token_check(const char *token, size_t len, const struct key_set *keys, uint32_t algorithms,
                           const struct claim_rules *rules, int64_t now_s, struct claims *out)
{
	struct token_head head;
	enum jwt_fault fault;
	const struct key *key;

	if (len > TOKEN_MAX)
		return JWT_SIZE;
	if (!is_compact(token, len))
		return JWT_MALFORMED;
	fault = header_read(token, len, algorithms, &head);
	if (fault != JWT_PROVEN)
		return fault;
	key = key_set_find(keys, head.has_id ? head.id : NULL, head.algorithm);
	if (key == NULL)
		return JWT_KEY;
	fault = signed_check(token, len, key, rules, now_s, out);
	ERR_clear_error(); /* of a wrong signature: TLS must not find it */
	return fault;
}

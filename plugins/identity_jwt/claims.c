/* SPDX-License-Identifier: MIT */
/* Judging claims; see claims.h. */
#include "identity_jwt/claims.h"

#include <jansson.h>
#include <string.h>

#define TIME_MAX_S 1e12

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* ---- when --------------------------------------------------------------------------------------------------- */

/* A NumericDate (RFC 7519 2), fractions rounded down; false: it is none. */
static bool date_read(const json_t *value, int64_t *out)
{
	double s = json_number_value(value);

	if (!json_is_number(value) || !(s >= 0 && s <= TIME_MAX_S))
		return false;
	*out = (int64_t)s;
	return true;
}

/* nbf, iat: may be missing, but not lie in the future. */
static enum jwt_fault past_check(const json_t *value, int64_t until_s)
{
	int64_t s = 0;

	if (value != NULL && !date_read(value, &s))
		return JWT_CLAIMS;
	return s > until_s ? JWT_EARLY : JWT_PROVEN;
}

static enum jwt_fault times_check(const json_t *claims, const struct claim_rules *rules, int64_t now_s,
                                  int64_t *expires_s)
{
	enum jwt_fault early = past_check(json_object_get(claims, "nbf"), now_s + rules->leeway_s);

	if (early == JWT_PROVEN)
		early = past_check(json_object_get(claims, "iat"), now_s + rules->leeway_s);
	if (!date_read(json_object_get(claims, "exp"), expires_s))
		return JWT_CLAIMS;
	*expires_s += rules->leeway_s;
	return early != JWT_PROVEN ? early : now_s >= *expires_s ? JWT_EXPIRED : JWT_PROVEN;
}

/* ---- for whom ----------------------------------------------------------------------------------------------- */

static bool is_listed(const json_t *audience, const struct claim_rules *rules)
{
	for (const char *const *a = rules->audiences; *a != NULL; a++)
		if (is_text(audience, *a))
			return true;
	return false;
}

/* A text, or a list of texts. */
static enum jwt_fault audience_check(const json_t *aud, const struct claim_rules *rules)
{
	bool found = is_listed(aud, rules);
	const json_t *one;
	size_t i;

	if (!json_is_string(aud) && !json_is_array(aud))
		return aud == NULL ? JWT_AUDIENCE : JWT_CLAIMS;
	json_array_foreach (aud, i, one) {
		if (!json_is_string(one))
			return JWT_CLAIMS;
		found = found || is_listed(one, rules);
	}
	return found ? JWT_PROVEN : JWT_AUDIENCE;
}

/* ---- about whom --------------------------------------------------------------------------------------------- */

/* jansson takes no text that is not UTF-8, or holds a NUL. */
static enum jwt_fault user_read(const json_t *claim, char out[T3OPS_USER_NAME_SIZE])
{
	size_t len = json_string_length(claim);

	if (!json_is_string(claim) || len == 0 || len >= T3OPS_USER_NAME_SIZE)
		return JWT_NO_USER;
	memcpy(out, json_string_value(claim), len + 1);
	return JWT_PROVEN;
}

static enum jwt_fault object_check(const json_t *claims, const struct claim_rules *rules, int64_t now_s,
                                   struct claims *out)
{
	enum jwt_fault fault;

	if (!json_is_object(claims))
		return JWT_CLAIMS;
	if (!is_text(json_object_get(claims, "iss"), rules->issuer))
		return JWT_ISSUER;
	fault = audience_check(json_object_get(claims, "aud"), rules);
	if (fault == JWT_PROVEN)
		fault = times_check(claims, rules, now_s, &out->expires_s);
	return fault != JWT_PROVEN ? fault : user_read(json_object_get(claims, rules->user), out->user);
}

enum jwt_fault claims_check(const char *text, size_t len, const struct claim_rules *rules, int64_t now_s,
                            struct claims *out)
{
	json_t *claims = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	enum jwt_fault fault = object_check(claims, rules, now_s, out);

	json_decref(claims);
	return fault;
}

/* SPDX-License-Identifier: MIT */
/*
 * The keys of an issuer: public ones from a JSON Web Key Set (RFC 7517), or one secret.  A key is used only for the
 * algorithms of its own kind, curve and "alg", whatever a token says.  Pure.
 */
#ifndef T3OPS_IDENTITY_JWT_KEY_SET_H
#define T3OPS_IDENTITY_JWT_KEY_SET_H

#include "identity_jwt/algorithm.h"

#define KEY_SET_MAX     64     /* keys */
#define KEY_SET_BYTES   262144 /* of its text */
#define SECRET_BYTES    32     /* the shortest one: RFC 7518 3.2 */
#define KEY_ID_MAX      256
#define RSA_BITS_MIN    2048
#define RSA_BITS_MAX    8192 /* larger ones take milliseconds */
#define KEY_SET_WHY     160
#define KEY_SET_SUMMARY 512

struct key {
	cjose_jwk_t *jwk;
	char *id;            /* "kid"; NULL: it has none */
	uint32_t algorithms; /* that it is used with */
};

struct key_set {
	struct key keys[KEY_SET_MAX];
	size_t n;
	bool is_secret; /* its one key is everybody's, whatever id a token names */
};

/* Public keys for these algorithms, the others are left out; NULL, and why: it is none, or none of its keys is for
 * them. */
struct key_set *key_set_read(const char *text, size_t len, uint32_t algorithms, char why[KEY_SET_WHY]);
/* One secret; NULL, and why. */
struct key_set *key_set_of_secret(const char *secret, size_t len, uint32_t algorithms, char why[KEY_SET_WHY]);
void key_set_free(struct key_set *s); /* NULL is fine */

/* The key that a token with this "kid" (NULL: none) may be signed with.  Without one there must be no choice.  NULL:
 * there is none. */
const struct key *key_set_find(const struct key_set *s, const char *id, uint32_t algorithm);
/* "2 keys: a1 (RS256), b2 (ES256)" */
void key_set_summarize(const struct key_set *s, char out[KEY_SET_SUMMARY]);

#endif

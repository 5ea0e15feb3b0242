/* SPDX-License-Identifier: MIT */
/* Tokens, claims and key sets, each as it comes from others: nothing is proven without a signature, and claims that
 * are taken name somebody, now. */
#include <string.h>

#include "fuzz.h"
#include "identity_jwt/token.h"

#define NOW    1800000000
#define SECRET "a secret that no input of a fuzzer signs with"

static const char *const audiences[] = {"app", NULL};
static const struct claim_rules rules = {.issuer = "i", .audiences = audiences, .user = "email", .leeway_s = 30};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct key_set *secret;
	const uint32_t hs256 = algorithm_bit("HS256");
	const char *text = (const char *)data;
	char why[KEY_SET_WHY];
	struct claims c;
	struct key_set *s;

	if (secret == NULL)
		secret = key_set_of_secret(SECRET, strlen(SECRET), hs256, why);
	PROMISE(token_check(text, size, secret, hs256, &rules, NOW, &c) != JWT_PROVEN);
	if (claims_check(text, size, &rules, NOW, &c) == JWT_PROVEN) {
		PROMISE(c.expires_s > NOW && c.user[0] != '\0');
		PROMISE(memchr(c.user, '\0', sizeof c.user) != NULL);
	}
	s = key_set_read(text, size, algorithm_bit("RS256") | algorithm_bit("ES256"), why);
	if (s != NULL) {
		char summary[KEY_SET_SUMMARY];

		key_set_summarize(s, summary);
		PROMISE(s->n > 0 && s->n <= KEY_SET_MAX && strlen(summary) > 0);
		PROMISE(key_set_find(s, "a", hs256) == NULL);
	}
	key_set_free(s);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Comparing the proxy's secret; see proxy_secret.h. */
#include "proxy/proxy_secret.h"

#include <openssl/crypto.h>

#include "proxy/identity.h"

bool proxy_secret_is_shown(const struct http_head *h, struct span name,
                           const unsigned char digest[SECRET_DIGEST_BYTES])
{
	const struct http_field *found = NULL;
	unsigned char shown[SECRET_DIGEST_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		if (identity_is_named(h->fields[i].name, name)) {
			found = &h->fields[i];
			n++;
		}
	if (n != 1)
		return false;
	secret_digest(found->value.at, found->value.len, shown);
	return CRYPTO_memcmp(shown, digest, sizeof shown) == 0;
}

/* SPDX-License-Identifier: MIT */
/* PEM and X.509 as libcrypto reads them; see certificates.h. */
#include "options/certificates.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

struct block {
	char *label, *header;
	unsigned char *der;
	long len;
};

/* The next block.  0: there is none; -1: it is torn. */
static int block_next(BIO *in, struct block *b)
{
	int r = 1;

	*b = (struct block){0};
	ERR_clear_error();
	if (!PEM_read_bio(in, &b->label, &b->header, &b->der, &b->len))
		r = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? 0 : -1;
	ERR_clear_error();
	return r;
}

static void block_fini(struct block *b)
{
	OPENSSL_free(b->label);
	OPENSSL_free(b->header);
	OPENSSL_free(b->der);
}

static bool is_private_key(const char *label)
{
	size_t len = strlen(label), key = strlen("PRIVATE KEY");

	return len >= key && strcmp(label + len - key, "PRIVATE KEY") == 0;
}

static bool is_certificate(const struct block *b)
{
	const unsigned char *at = b->der;
	X509 *x = strcmp(b->label, PEM_STRING_X509_TRUSTED) == 0 ? d2i_X509_AUX(NULL, &at, b->len)
	                                                         : d2i_X509(NULL, &at, b->len);

	bool whole = x && at == b->der + b->len;

	ERR_clear_error();
	X509_free(x);
	return whole;
}

/* NULL: nothing is wrong with it; *certificates counts those. */
static const char *block_check(const struct block *b, size_t *certificates)
{
	if (is_private_key(b->label))
		return "a file of certificates only: this one holds a private key";
	if (strcmp(b->label, PEM_STRING_X509) != 0 && strcmp(b->label, PEM_STRING_X509_OLD) != 0 &&
	    strcmp(b->label, PEM_STRING_X509_TRUSTED) != 0)
		return NULL;
	++*certificates;
	return is_certificate(b) ? NULL : "certificates in PEM form: one in that file is damaged";
}

const char *certificates_check(const char *text, size_t len)
{
	BIO *in = BIO_new_mem_buf(text, len <= INT_MAX ? (int)len : INT_MAX);
	const char *fault = in ? NULL : "memory to read it";
	size_t certificates = 0;
	struct block b;
	int r = 0;

	while (!fault && (r = block_next(in, &b)) > 0) {
		fault = block_check(&b, &certificates);
		block_fini(&b);
	}
	BIO_free(in);
	if (r < 0)
		return "certificates in PEM form: one in that file is damaged";
	return fault || certificates > 0 ? fault : "certificates in PEM form in that file";
}

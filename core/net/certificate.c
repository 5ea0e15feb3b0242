/* SPDX-License-Identifier: MIT */
/* When certificates expire; see certificate.h. */
#include "net/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#define PEM_FIELD "Cert:"

void certificate_keep(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
}

/* 0: that is none. */
static uint64_t pem_until_us(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	struct tm tm = {0};
	time_t until = x && ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1 ? timegm(&tm) : 0;

	X509_free(x);
	BIO_free(bio);
	return until > 0 ? (uint64_t)until * 1000000 : 0;
}

uint64_t certificate_until_us(CURL *easy)
{
	struct curl_certinfo *shown = NULL;
	uint64_t first_us = 0;

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &shown) != CURLE_OK || !shown)
		return 0;
	for (int i = 0; i < shown->num_of_certs; i++)
		for (const struct curl_slist *field = shown->certinfo[i]; field; field = field->next) {
			uint64_t until_us = 0;

			if (strncmp(field->data, PEM_FIELD, sizeof PEM_FIELD - 1) == 0)
				until_us = pem_until_us(field->data + sizeof PEM_FIELD - 1);
			if (until_us > 0 && (first_us == 0 || until_us < first_us))
				first_us = until_us;
		}
	return first_us;
}

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

/* 0: none, or a year beyond all sense. */
static uint64_t time_us(const ASN1_TIME *at)
{
	struct tm tm = {0};
	time_t t = at && ASN1_TIME_to_tm(at, &tm) == 1 ? timegm(&tm) : 0;

	return t > 0 ? (uint64_t)t * 1000000 : 0;
}

static struct certificate_span pem_span(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	struct certificate_span span = {0};

	if (x)
		span = (struct certificate_span){time_us(X509_get0_notBefore(x)), time_us(X509_get0_notAfter(x))};
	X509_free(x);
	BIO_free(bio);
	return span;
}

static void span_narrow(struct certificate_span *all, const struct certificate_span *one)
{
	if (one->until_us == 0)
		return;
	if (all->until_us == 0 || one->until_us < all->until_us)
		all->until_us = one->until_us;
	if (one->from_us > all->from_us)
		all->from_us = one->from_us;
}

struct certificate_span certificate_span(CURL *easy)
{
	struct curl_certinfo *shown = NULL;
	struct certificate_span all = {0};

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &shown) != CURLE_OK || !shown)
		return all;
	for (int i = 0; i < shown->num_of_certs; i++)
		for (const struct curl_slist *field = shown->certinfo[i]; field; field = field->next) {
			struct certificate_span one = {0};

			if (strncmp(field->data, PEM_FIELD, sizeof PEM_FIELD - 1) == 0)
				one = pem_span(field->data + sizeof PEM_FIELD - 1);
			span_narrow(&all, &one);
		}
	return all;
}

uint64_t certificate_until_us(CURL *easy)
{
	return certificate_span(easy).until_us;
}

static bool is_valid_at(const struct certificate_span *span, uint64_t at_us)
{
	return span->from_us <= at_us && at_us < span->until_us;
}

bool certificate_blames_clock(const struct certificate_span *span, uint64_t here_us, uint64_t there_us)
{
	bool is_shown = span->until_us > 0 &&
	                !is_valid_at(span, here_us); /* else it is the root's date, in our store */

	return !is_shown || there_us == 0 || is_valid_at(span, there_us);
}

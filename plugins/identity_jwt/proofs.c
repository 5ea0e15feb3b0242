/* SPDX-License-Identifier: MIT */
/* A hash table of lists, and one of all by when they were seen last; see proofs.h. */
#include "identity_jwt/proofs.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define PROOFS_A_BUCKET 4

struct proof {
	LIST_ENTRY(proof) link;
	TAILQ_ENTRY(proof) seen;
	uint8_t key[PROOF_KEY_BYTES];
	int64_t expires_s;
	char user[];
};

LIST_HEAD(bucket, proof);

struct proofs {
	size_t max, n, n_buckets;
	TAILQ_HEAD(, proof) all; /* the one seen last is the last */
	struct bucket buckets[];
};

struct proofs *proofs_new(size_t max)
{
	size_t n = max / PROOFS_A_BUCKET + 1;
	struct proofs *p = calloc(1, sizeof *p + n * sizeof p->buckets[0]);

	if (p == NULL)
		return NULL;
	p->max = max;
	p->n_buckets = n;
	TAILQ_INIT(&p->all);
	return p;
}

void proofs_free(struct proofs *p)
{
	if (p != NULL)
		proofs_clear(p);
	free(p);
}

void proof_key_make(const char *token, size_t len, uint8_t key[PROOF_KEY_BYTES])
{
	if (EVP_Digest(token, len, key, NULL, EVP_sha256(), NULL) != 1)
		abort(); /* two tokens must not share one */
}

/* The key is a hash already. */
static struct bucket *bucket_of(struct proofs *p, const uint8_t key[PROOF_KEY_BYTES])
{
	size_t n;

	memcpy(&n, key, sizeof n);
	return &p->buckets[n % p->n_buckets];
}

static void proof_forget(struct proofs *p, struct proof *x)
{
	LIST_REMOVE(x, link);
	TAILQ_REMOVE(&p->all, x, seen);
	free(x);
	p->n--;
}

const char *proofs_find(struct proofs *p, const uint8_t key[PROOF_KEY_BYTES], int64_t now_s)
{
	struct proof *x;

	LIST_FOREACH (x, bucket_of(p, key), link)
		if (memcmp(x->key, key, PROOF_KEY_BYTES) == 0)
			break;
	if (x == NULL)
		return NULL;
	if (now_s >= x->expires_s) {
		proof_forget(p, x);
		return NULL;
	}
	TAILQ_REMOVE(&p->all, x, seen);
	TAILQ_INSERT_TAIL(&p->all, x, seen);
	return x->user;
}

/* Whether one that still counts had to go. */
static bool room_make(struct proofs *p, int64_t now_s)
{
	struct proof *oldest = TAILQ_FIRST(&p->all);
	bool lost = false;

	if (p->n >= p->max && oldest != NULL) {
		lost = now_s < oldest->expires_s;
		proof_forget(p, oldest);
	}
	return lost;
}

bool proofs_add(struct proofs *p, const uint8_t key[PROOF_KEY_BYTES], const struct claims *claims, int64_t now_s)
{
	bool lost = room_make(p, now_s);
	size_t len = strlen(claims->user);
	struct proof *x = malloc(sizeof *x + len + 1);

	if (x == NULL)
		return lost;
	memcpy(x->key, key, PROOF_KEY_BYTES);
	memcpy(x->user, claims->user, len + 1);
	x->expires_s = claims->expires_s;
	LIST_INSERT_HEAD(bucket_of(p, key), x, link);
	TAILQ_INSERT_TAIL(&p->all, x, seen);
	p->n++;
	return lost;
}

void proofs_clear(struct proofs *p)
{
	struct proof *x;

	while ((x = TAILQ_FIRST(&p->all)) != NULL)
		proof_forget(p, x);
}

size_t proofs_count(const struct proofs *p)
{
	return p->n;
}

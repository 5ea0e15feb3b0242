/* SPDX-License-Identifier: MIT */
/* Tokens of reports; see report_tokens.h. */
#include "proxy/report_tokens.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_token_row {
	char token[REPORT_TOKEN_SIZE];
	const char *user; /* of the list of users */
};

static uint64_t day_of(uint64_t wall_us)
{
	return wall_us / 1000000 / REPORT_TOKEN_DAY_S;
}

static void token_make(const char *key, const char *user, uint64_t day, char out[REPORT_TOKEN_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	char text[T3OPS_USER_NAME_SIZE + 32];
	int len = snprintf(text, sizeof text, "report %" PRIu64 " %s", day, user);

	HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, (size_t)len, digest, NULL);
	for (size_t i = 0; i < REPORT_TOKEN_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void report_token_make(const struct report_tokens *t, const char *user, uint64_t wall_us, char out[REPORT_TOKEN_SIZE])
{
	token_make(t->key, user, day_of(wall_us), out);
}

static int rows_compare(const void *a, const void *b)
{
	return strcmp(((const struct report_token_row *)a)->token, ((const struct report_token_row *)b)->token);
}

/* Of today and yesterday. */
static void rows_make(struct report_tokens *t, const struct user_list *users, uint64_t day)
{
	report_tokens_forget(t);
	t->rows = calloc(2 * users->n, sizeof *t->rows);
	if (t->rows == NULL)
		return;
	for (size_t i = 0; i < 2 * users->n; i++) {
		t->rows[i].user = users->rows[i / 2].name;
		token_make(t->key, t->rows[i].user, day - i % 2, t->rows[i].token);
	}
	t->n = 2 * users->n;
	t->day = day;
	qsort(t->rows, t->n, sizeof *t->rows, rows_compare);
}

const char *report_token_user(struct report_tokens *t, const struct user_list *users, struct span token,
                              uint64_t wall_us)
{
	struct report_token_row wanted;
	const struct report_token_row *found;
	uint64_t day = day_of(wall_us);

	if (token.len != REPORT_TOKEN_SIZE - 1 || users->n == 0)
		return NULL;
	if (t->rows == NULL || t->day != day)
		rows_make(t, users, day);
	memcpy(wanted.token, token.at, token.len);
	wanted.token[token.len] = '\0';
	found = t->rows != NULL ? bsearch(&wanted, t->rows, t->n, sizeof *t->rows, rows_compare) : NULL;
	return found != NULL ? found->user : NULL;
}

void report_tokens_forget(struct report_tokens *t)
{
	free(t->rows);
	t->rows = NULL;
	t->n = 0;
}

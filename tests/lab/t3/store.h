/* SPDX-License-Identifier: MIT */
/*
 * The state directory: userdata/state.sqlite (WAL, never checkpointed before a clean close) with the
 * tables of the measured versions, and the signing key beside it.
 */
#ifndef T3STUB_STORE_H
#define T3STUB_STORE_H

#include <sqlite3.h>

#include "lab/t3/profile.h"
#include "lab/t3/token.h"

#define TIME_SIZE    40 /* "2026-11-23T10:19:28.929Z" */
#define SUBJECT_SIZE 40 /* "client", "owner-bootstrap", "administrative-bootstrap" */

struct store {
	sqlite3 *db;
	const struct profile *profile;
	char dir[512]; /* base dir */
	char environment_id[UUID_SIZE];
	uint8_t key[TOKEN_KEY_BYTES];
	int migrated_from; /* the migration that the database had reached before */
};

struct pairing_link {
	char id[UUID_SIZE];
	char credential[13];
	char expires_at[TIME_SIZE];
};

struct session {
	char id[UUID_SIZE];
	char expires_at[TIME_SIZE];
	bool administrator; /* made with the credential that serve prints */
};

/* Makes what is missing and migrates.  0, or -EIO with one line in why. */
int store_open(struct store *s, const struct profile *profile, const char *dir, char *why, size_t why_size);
void store_close(struct store *s);

/* 0 or -EIO (store_error() says why). */
int store_link_create(struct store *s, const char *subject, long ttl_s, struct pairing_link *out);
/* 0; -ENOENT: unknown, used or expired; -EIO: the database failed.  subject: whose it was. */
int store_link_consume(struct store *s, const char *credential, char subject[SUBJECT_SIZE]);
/* Makes a session of 30 days for that subject, and its token. */
int store_session_create(struct store *s, const char *subject, struct session *out, char token[TOKEN_MAX]);
/* 0; -ENOENT: no such live session; -EIO: the database failed. */
int store_session_find(struct store *s, const char *token, struct session *out);
const char *store_error(struct store *s);

/* Now plus so many seconds, as t3 writes times. */
void store_time(long plus_s, char out[TIME_SIZE]);

#endif

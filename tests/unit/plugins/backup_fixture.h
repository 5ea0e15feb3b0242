/* SPDX-License-Identifier: MIT */
/* A user, the directory of his backups, and the plugin in a directory of its own. */
#ifndef TESTS_PLUGINS_BACKUP_FIXTURE_H
#define TESTS_PLUGINS_BACKUP_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#define MINUTE_US 60000000

struct fixture {
	char dir[64], home[128], db[256], to[128], backup_dir[192], so[256];
	int keep;
	int64_t budget;
	int compress;
	char key[128]; /* file of it; "": none */
	long disk;     /* bytes of a small disk for the backups; 0: where they are */
	bool read_only;
	const char *action, *arguments;
	bool requested;
	json_int_t deadline_us;
	rlim_t quota; /* 0: none */
};

/* For cmocka; the database is not made. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Entries of the directory of backups whose name begins with prefix; the last one by name goes to path, if it is set.
 */
int backups_count(const struct fixture *f, const char *prefix, char path[512]);
/* Three bytes by that name. */
void backups_old_put(const struct fixture *f, const char *name);
/* The manifest's line of the newest backup; the caller's. */
json_t *backups_manifest_line(const struct fixture *f);
void backups_manifest_forget(const struct fixture *f);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Uploading; see s3_upload.h.  While an upload in parts is in progress, .upload.json beside the file says of which
 * file, under which id of the store's, in parts of which size, and the ETag of each part that is there.
 */
#include "s3_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "s3_text.h"

#define STATE     ".upload.json"
#define STATE_NEW ".upload.new"
#define PARTS_MAX 10000
#define MIB       (1LL << 20)

struct progress {
	struct s3_upload *u;
	int fd;
	long long size, part;
	char id[1024], id_escaped[3072];
	json_t *etags;
};

static int say(struct s3_upload *u, int error, const char *what)
{
	snprintf(u->s->why, u->s->why_size, "%s: %s: %s", u->s->options.url, u->key, what);
	return error;
}

/* ---- what is known of the parts ------------------------------------------------------------------------- */

static void state_forget(const struct progress *p)
{
	unlinkat(p->u->dir_fd, STATE, 0);
}

static int state_save(const struct progress *p)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:O}", "file", p->u->file, "key", p->u->key, "sha256",
	                      p->u->sha256, "upload", p->id, "part_bytes", (json_int_t)p->part, "parts", p->etags);
	int fd, r;

	unlinkat(p->u->dir_fd, STATE_NEW, 0);
	fd = openat(p->u->dir_fd, STATE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : o == NULL ? -ENOMEM : json_dumpfd(o, fd, JSON_COMPACT) < 0 || fsync(fd) < 0 ? -EIO : 0;
	if (fd >= 0)
		close(fd);
	json_decref(o);
	if (r == 0 && renameat(p->u->dir_fd, STATE_NEW, p->u->dir_fd, STATE) < 0)
		r = -errno;
	return r < 0 ? say(p->u, r, strerror(-r)) : 0;
}

static json_t *state_read(int dir_fd)
{
	int fd = openat(dir_fd, STATE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	json_t *o = fd >= 0 ? json_loadfd(fd, 0, NULL) : NULL;

	if (fd >= 0)
		close(fd);
	return o;
}

bool s3_upload_pending(int dir_fd, char *file, size_t size)
{
	json_t *o = state_read(dir_fd);
	const char *name = json_string_value(json_object_get(o, "file"));
	bool is = name != NULL && strlen(name) < size;

	if (is)
		snprintf(file, size, "%s", name);
	json_decref(o);
	return is;
}

static bool text_is(const json_t *o, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value != NULL && strcmp(value, text) == 0;
}

/* Whether an earlier run began with this very file. */
static bool state_load(struct progress *p)
{
	json_t *o = state_read(p->u->dir_fd);
	const char *id = json_string_value(json_object_get(o, "upload"));
	bool fits = id != NULL && strlen(id) < sizeof p->id && text_is(o, "file", p->u->file) &&
	            text_is(o, "sha256", p->u->sha256) && json_is_array(json_object_get(o, "parts")) &&
	            json_integer_value(json_object_get(o, "part_bytes")) == p->part;

	if (fits) {
		snprintf(p->id, sizeof p->id, "%s", id);
		json_decref(p->etags);
		p->etags = json_incref(json_object_get(o, "parts"));
	}
	json_decref(o);
	return fits;
}

/* ---- in parts ---------------------------------------------------------------------------------------------- */

/* A store keeps, and bills, the parts until somebody says so. */
static int parts_abort(struct s3 *s, const char *key, const char *id)
{
	char escaped[3072], query[sizeof escaped + 16];

	if (s3_escape(escaped, sizeof escaped, id, '\0') < 0)
		return -EPROTO;
	snprintf(query, sizeof query, "uploadId=%s", escaped);
	return s3_request(s, "DELETE", key, query, NULL, NULL);
}

int s3_upload_give_up(struct s3 *s, int dir_fd)
{
	json_t *o = state_read(dir_fd);
	const char *id = json_string_value(json_object_get(o, "upload"));
	const char *key = json_string_value(json_object_get(o, "key"));
	int r = id != NULL && key != NULL ? parts_abort(s, key, id) : 0;

	json_decref(o);
	if (r == -ENOENT) /* it has given up, too */
		r = 0;
	if (r == 0 || r == -EPROTO)
		unlinkat(dir_fd, STATE, 0);
	return r;
}

static int upload_begin(struct progress *p)
{
	struct s3_body none = {.fd = -1, .bytes = ""};
	struct s3_sink answer = {.fd = -1};
	const char *at;
	int r = digest_part(p->fd, 0, 0, p->u->s->options.until_us, none.sha256);

	s3_upload_give_up(p->u->s, p->u->dir_fd); /* of another file, or in other parts; whether it works or not */
	if (r == 0)
		r = s3_request(p->u->s, "POST", p->u->key, "uploads=", &none, &answer);
	at = answer.text;
	if (r == 0 && (at == NULL || !s3_element(&at, "UploadId", p->id, sizeof p->id)))
		r = say(p->u, -EPROTO, "the store began an upload and did not name it");
	free(answer.text);
	return r == 0 ? state_save(p) : r;
}

static int part_send(struct progress *p, size_t i)
{
	long long at = (long long)i * p->part, left = p->size - at;
	struct s3_body body = {.fd = p->fd, .at = at, .len = left < p->part ? left : p->part};
	char query[sizeof p->id_escaped + 64];
	int r = digest_part(p->fd, at, body.len, p->u->s->options.until_us, body.sha256);

	if (r < 0)
		return say(p->u, r, strerror(-r));
	snprintf(query, sizeof query, "partNumber=%zu&uploadId=%s", i + 1, p->id_escaped);
	r = s3_request(p->u->s, "PUT", p->u->key, query, &body, NULL);
	if (r == 0 && p->u->s->etag[0] == '\0')
		r = say(p->u, -EPROTO, "the store took a part and gave it no ETag");
	if (r == 0)
		r = json_array_append_new(p->etags, json_string(p->u->s->etag)) < 0 ? -ENOMEM : state_save(p);
	return r;
}

static char *parts_text(const struct progress *p)
{
	char *text = NULL;
	size_t size = 0, i;
	json_t *etag;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	fputs("<CompleteMultipartUpload>", f);
	json_array_foreach (p->etags, i, etag)
		fprintf(f, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
		        json_string_value(etag));
	fputs("</CompleteMultipartUpload>", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int text_digest(const char *text, char out[DIGEST_SIZE])
{
	struct digest *d = digest_new();
	int r = d != NULL ? digest_feed(d, text, strlen(text)) : -ENOMEM;

	if (r == 0)
		r = digest_end(d, out);
	digest_free(d);
	return r;
}

/* An error may come with status 200, for joining the parts takes a while. */
static int upload_end(struct progress *p)
{
	struct s3_sink answer = {.fd = -1};
	char query[sizeof p->id_escaped + 16], *text = parts_text(p);
	struct s3_body body = {.fd = -1, .bytes = text, .len = text != NULL ? (long long)strlen(text) : 0};
	int r = text != NULL ? text_digest(text, body.sha256) : -ENOMEM;

	snprintf(query, sizeof query, "uploadId=%s", p->id_escaped);
	if (r == 0)
		r = s3_request(p->u->s, "POST", p->u->key, query, &body, &answer);
	if (r == 0 && answer.text != NULL && strstr(answer.text, "<Error>") != NULL)
		r = say(p->u, -EPROTO, "the store could not join the parts");
	free(answer.text);
	free(text);
	if (r == 0)
		state_forget(p);
	return r;
}

static int parts_send(struct progress *p)
{
	size_t parts = (size_t)((p->size + p->part - 1) / p->part);
	int r = s3_escape(p->id_escaped, sizeof p->id_escaped, p->id, '\0');

	for (size_t i = json_array_size(p->etags); i < parts && r == 0; i++)
		r = part_send(p, i);
	return r == 0 ? upload_end(p) : r;
}

static int upload_in_parts(struct progress *p)
{
	bool known = state_load(p);
	int r = known ? 0 : upload_begin(p);

	p->u->parts_kept = known ? (unsigned)json_array_size(p->etags) : 0;
	if (r == 0)
		r = parts_send(p);
	if (known && r == -ENOENT) { /* the store has forgotten it */
		state_forget(p);
		json_array_clear(p->etags);
		p->u->parts_kept = 0;
		r = upload_begin(p);
		if (r == 0)
			r = parts_send(p);
	}
	return r;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static int upload_whole(const struct progress *p)
{
	struct s3_body body = {.fd = p->fd, .len = p->size};

	snprintf(body.sha256, sizeof body.sha256, "%s", p->u->sha256);
	return s3_request(p->u->s, "PUT", p->u->key, NULL, &body, NULL);
}

static int length_compare(const struct progress *p)
{
	int r = s3_request(p->u->s, "HEAD", p->u->key, NULL, NULL, NULL);

	return r == 0 && p->u->s->length != p->size ? say(p->u, -EIO, "the object has another length than the file")
	                                            : r;
}

static long long part_choose(long long size, long long wanted)
{
	long long least = (size / PARTS_MAX / MIB + 1) * MIB;

	return size / wanted < PARTS_MAX ? wanted : least;
}

int s3_upload(struct s3_upload *u)
{
	struct progress p = {.u = u, .etags = json_array()};
	struct stat st;
	int r;

	p.fd = openat(u->dir_fd, u->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (p.fd < 0 || fstat(p.fd, &st) < 0) {
		r = say(u, -errno, strerror(errno));
	} else {
		p.size = st.st_size;
		p.part = part_choose(p.size, u->part_bytes);
		r = p.size > p.part ? upload_in_parts(&p) : upload_whole(&p);
	}
	if (r == 0)
		r = length_compare(&p);
	if (p.fd >= 0)
		close(p.fd);
	json_decref(p.etags);
	return r;
}

/* SPDX-License-Identifier: MIT */
/* Requests to an S3 store; see s3.h.  libcurl 7.88 signs a query as it stands, so it must be in its canonical form.
 */
#include "s3.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/due.h"
#include "s3_credentials.h"
#include "s3_text.h"

#define TEXT_MAX     (4u << 20)
#define URL_SIZE     4096
#define TRIES        3
#define AGAIN_US     1000000u
#define CONNECT_S    15L
#define SILENT_S     60L /* without a byte in either direction */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* One attempt. */
struct transfer {
	struct s3 *s;
	const struct s3_body *body;
	struct s3_sink *sink;
	long long sent;
	struct s3_sink error; /* what a response says that is none of those that were hoped for */
	int failed;           /* of our own file */
};

static int say(struct s3 *s, int error, const char *method, const char *key, const char *what)
{
	snprintf(s->why, s->why_size, "%.120s: %s %.100s: %s", s->options.url, method,
	         *key != '\0' ? key : "of the list of objects", what);
	return error;
}

/* ---- texts -------------------------------------------------------------------------------------------- */

static int url_make(const struct s3 *s, char out[URL_SIZE], const char *key, const char *query)
{
	char path[URL_SIZE / 2] = "";
	int r = s3_escape(path, sizeof path, key, '/');

	if (r == 0 && snprintf(out, URL_SIZE, "%s%s%s%s%s", s->options.url, *key != '\0' ? "/" : "", path,
	                       query != NULL ? "?" : "", query != NULL ? query : "") >= URL_SIZE)
		r = -ENAMETOOLONG;
	return r;
}

/* ---- bytes --------------------------------------------------------------------------------------------- */

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	long long left = t->body->len - t->sent;
	size_t want = (long long)(size * n) < left ? size * n : (size_t)left;
	ssize_t got = (ssize_t)want;

	if (t->body->fd < 0)
		memcpy(to, t->body->bytes + t->sent, want);
	else
		got = pread(t->body->fd, to, want, t->body->at + t->sent);
	if (got < 0 || (got == 0 && want > 0)) {
		t->failed = got < 0 ? -errno : -EIO; /* it became shorter */
		return CURL_READFUNC_ABORT;
	}
	t->sent += got;
	return (size_t)got;
}

static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct transfer *t = arg;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	t->sent = offset;
	return CURL_SEEKFUNC_OK;
}

static bool text_append(struct s3_sink *sink, const char *bytes, size_t n)
{
	char *text = sink->len + n <= TEXT_MAX ? realloc(sink->text, sink->len + n + 1) : NULL;

	if (text == NULL)
		return false;
	memcpy(text + sink->len, bytes, n);
	sink->text = text;
	sink->len += n;
	text[sink->len] = '\0';
	return true;
}

static bool file_append(struct transfer *t, const char *bytes, size_t n)
{
	struct s3_sink *sink = t->sink;

	sink->len += n;
	if (sink->most > 0 && sink->len > (unsigned long long)sink->most) {
		t->failed = -EMSGSIZE;
		return false;
	}
	while (n > 0) {
		ssize_t done = write(sink->fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			t->failed = -errno;
			return false;
		}
		bytes += done;
		n -= (size_t)done;
	}
	return true;
}

static size_t on_write(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	long status = 0;
	bool ok;

	curl_easy_getinfo(t->s->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status >= 300)
		ok = text_append(&t->error, bytes, size * n);
	else if (t->sink == NULL)
		ok = true;
	else if (t->sink->fd >= 0)
		ok = file_append(t, bytes, size * n);
	else
		ok = text_append(t->sink, bytes, size * n);
	return ok ? size * n : 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	static const char name[] = "etag:";
	struct transfer *t = arg;
	size_t len = size * n, skip = sizeof name - 1;

	if (len > skip && strncasecmp(line, name, skip) == 0) {
		for (; skip < len && line[skip] == ' '; skip++)
			;
		for (; len > skip && (line[len - 1] == '\r' || line[len - 1] == '\n'); len--)
			;
		snprintf(t->s->etag, sizeof t->s->etag, "%.*s", (int)(len - skip), line + skip);
	}
	return size * n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct transfer *t = arg;

	(void)a, (void)b, (void)c, (void)d;
	return is_due(t->s->options.until_us);
}

/* ---- one attempt ----------------------------------------------------------------------------------------- */

static void transfer_set(struct transfer *t, const char *method, const char *url, struct curl_slist *headers,
                         char *error)
{
	CURL *e = t->s->easy;

	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_UPLOAD, t->body != NULL ? 1L : 0L);
	if (t->body == NULL)
		curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(e, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, t->body != NULL ? (curl_off_t)t->body->len : (curl_off_t)-1);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_READDATA, t);
	curl_easy_setopt(e, CURLOPT_SEEKDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error);
}

static int sink_begin(struct s3_sink *sink)
{
	if (sink == NULL)
		return 0;
	free(sink->text);
	sink->text = NULL;
	sink->len = 0;
	return sink->fd >= 0 && (ftruncate(sink->fd, 0) < 0 || lseek(sink->fd, 0, SEEK_SET) < 0) ? -errno : 0;
}

static void response_take(struct transfer *t)
{
	const char *at = t->error.text;
	curl_off_t length = -1;

	curl_easy_getinfo(t->s->easy, CURLINFO_RESPONSE_CODE, &t->s->status);
	curl_easy_getinfo(t->s->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	t->s->length = length;
	if (at != NULL)
		s3_element(&at, "Code", t->s->code, sizeof t->s->code);
}

static int status_judge(struct s3 *s, const char *method, const char *key)
{
	char text[128];

	if (s->status >= 200 && s->status < 300)
		return 0;
	snprintf(text, sizeof text, "HTTP status %ld%s%s", s->status, *s->code != '\0' ? ", " : "", s->code);
	return say(s,
	           s->status == 404                           ? -ENOENT
	           : s->status == 401 || s->status == 403     ? -EACCES
	           : s->status == 429 || s->status / 100 == 5 ? -EAGAIN
	                                                      : -EPROTO,
	           method, key, text);
}

static int transfer_judge(struct transfer *t, CURLcode code, const char *method, const char *key, const char *error)
{
	struct s3 *s = t->s;

	if (code == CURLE_OK)
		return status_judge(s, method, key);
	if (t->failed < 0)
		return say(s, t->failed, method, key, strerror(-t->failed));
	if (is_due(s->options.until_us))
		return say(s, -ETIMEDOUT, method, key, "stopped shortly before the deadline");
	return say(s, code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EHOSTUNREACH, method, key,
	           *error != '\0' ? error : curl_easy_strerror(code));
}

static int attempt(struct s3 *s, const char *method, const char *key, const char *query, const struct s3_body *body,
                   struct s3_sink *sink)
{
	struct transfer t = {.s = s, .body = body, .sink = sink, .error = {.fd = -1}};
	char url[URL_SIZE], error[CURL_ERROR_SIZE] = "", digest[96];
	struct curl_slist *headers;
	CURLcode code;
	int r = url_make(s, url, key, query);

	if (r == 0)
		r = sink_begin(sink);
	if (r < 0)
		return say(s, r, method, key, strerror(-r));
	snprintf(digest, sizeof digest, "x-amz-content-sha256: %s", body != NULL ? body->sha256 : EMPTY_SHA256);
	headers = curl_slist_append(NULL, digest);
	s->status = 0;
	s->etag[0] = s->code[0] = '\0';
	transfer_set(&t, method, url, headers, error);
	code = curl_easy_perform(s->easy);
	response_take(&t);
	r = transfer_judge(&t, code, method, key, error);
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	free(t.error.text);
	return r;
}

int s3_request(struct s3 *s, const char *method, const char *key, const char *query, const struct s3_body *body,
               struct s3_sink *sink)
{
	int r = attempt(s, method, key, query, body, sink);

	for (unsigned tries = 1; (r == -EAGAIN || r == -EHOSTUNREACH) && tries < TRIES; tries++) {
		if (is_due(s->options.until_us - tries * AGAIN_US))
			break;
		usleep(tries * AGAIN_US);
		r = attempt(s, method, key, query, body, sink);
	}
	return r == -EAGAIN ? -EPROTO : r;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

static void easy_set(struct s3 *s, const struct s3_credentials *c)
{
	CURL *e = s->easy;

	snprintf(s->provider, sizeof s->provider, "aws:amz:%.60s:s3", s->options.region);
	curl_easy_setopt(e, CURLOPT_AWS_SIGV4, s->provider);
	curl_easy_setopt(e, CURLOPT_USERNAME, c->id);
	curl_easy_setopt(e, CURLOPT_PASSWORD, c->secret);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_EXPECT_100_TIMEOUT_MS, 1000L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, SILENT_S);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	if (*s->options.ca_file != '\0')
		curl_easy_setopt(e, CURLOPT_CAINFO, s->options.ca_file);
}

int s3_open(struct s3 *s, const struct s3_options *o, char *why, size_t why_size)
{
	struct s3_credentials c;
	int r = s3_credentials_read(&c, o->credentials, why, why_size);

	*s = (struct s3){.options = *o, .why = why, .why_size = why_size};
	if (r == 0) {
		s->easy = curl_easy_init();
		if (s->easy != NULL)
			easy_set(s, &c);
		r = s->easy != NULL ? 0 : -ENOMEM;
	}
	s3_credentials_wipe(&c);
	return r;
}

void s3_close(struct s3 *s)
{
	curl_easy_cleanup(s->easy);
	s->easy = NULL;
}

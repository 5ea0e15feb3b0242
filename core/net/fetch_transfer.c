/* SPDX-License-Identifier: MIT */
/* One HTTP transfer: options in, answer and errno out.  See fetch_transfer.h.  Any process. */
#include "net/fetch_transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/certificate.h"
#include "net/dial.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define DEFAULT_TIMEOUT_US UINT64_C(10000000)
#define DEFAULT_MAX_BODY   ((size_t)256 << 10)
#define MAX_HEAD           ((size_t)64 << 10)
/* t3 closes an idle connection after 5 s: one that old is not worth the risk. */
#define MAX_IDLE_S 4L
#define LOOK_MS    2000L

/* ---- callbacks of libcurl --------------------------------------------------- */

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = one * n;

	if (len > t->max_body - t->body_len) {
		t->too_big = true;
		return 0;
	}
	if (t->body_len + len + 1 > t->body_size) {
		size_t size = (t->body_len + len + 1) * 2;
		char *body = realloc(t->body, size);

		if (!body)
			return 0;
		t->body = body;
		t->body_size = size;
	}
	memcpy(t->body + t->body_len, data, len);
	t->body_len += len;
	t->body[t->body_len] = '\0';
	return len;
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)data;
	t->head_bytes += one * n;
	t->too_big = t->too_big || t->head_bytes > MAX_HEAD;
	return t->too_big ? 0 : one * n;
}

static void step_reach(struct transfer *t, enum t3ops_step step)
{
	if (step > t->step && !t->looking)
		t->step = step;
}

/* The name is looked up. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = arg;

	(void)purpose;
	step_reach(t, T3OPS_STEP_CONNECT);
	if (t->ready_made) {
		int fd = t->fd;

		t->fd = -1;
		return fd < 0 ? CURL_SOCKET_BAD : fd;
	}
	t->path_fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	return t->path_fd;
}

bool transfer_peer_is_right(const struct transfer *t)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return !t->at_path || (getsockopt(t->path_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	                       peer.uid == t->dial.target.owner);
}

static int on_socket_made(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const struct transfer *t = arg;

	(void)fd, (void)purpose;
	return t->ready_made ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
}

/* TCP is connected. */
static CURLcode on_tls(CURL *easy, void *context, void *arg)
{
	struct transfer *t = arg;

	(void)easy, (void)context;
	step_reach(t, T3OPS_STEP_TLS);
	return CURLE_OK;
}

/* TCP and TLS are there, the request goes out. */
static int on_connected(void *arg, char *from, char *to, int from_port, int to_port)
{
	struct transfer *t = arg;

	(void)from, (void)to, (void)from_port, (void)to_port;
	if (!transfer_peer_is_right(t)) {
		t->dial_error = -EKEYREJECTED;
		return CURL_PREREQFUNC_ABORT;
	}
	t->asking = t->looking;
	step_reach(t, T3OPS_STEP_HTTP);
	return CURL_PREREQFUNC_OK;
}

/* ---- what is asked for --------------------------------------------------------- */

static int slist_add(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static bool header_is(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

static int set_headers(struct transfer *t, const struct t3ops_fetch *what)
{
	bool typed = false;
	int rc = slist_add(&t->headers, "Expect:"); /* no waiting for 100 Continue */

	for (size_t i = 0; rc == 0 && what->headers && what->headers[i]; i++) {
		const char *line = what->headers[i];

		if (strpbrk(line, "\r\n") || !strchr(line, ':'))
			return -EINVAL;
		typed = typed || header_is(line, "content-type");
		rc = slist_add(&t->headers, line);
	}
	if (rc == 0 && !typed)
		rc = slist_add(&t->headers, "Content-Type:"); /* libcurl would say it is a form */
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return rc;
}

static void set_method(struct transfer *t, const struct t3ops_fetch *what)
{
	const char *method = what->method ? what->method : "GET";

	if (what->body_len > 0 || strcmp(method, "POST") == 0) {
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)what->body_len);
		curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, what->body_len ? what->body : "");
	}
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
	else if (what->body_len > 0 || strcmp(method, "GET") != 0)
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
}

/* connect_to in libcurl's form, for every host and port of the URL: "::ADDRESS:PORT". */
static int set_connect_to(struct transfer *t, const char *to)
{
	const char *colon = strchr(to, ':');
	bool bare_v6 = to[0] != '[' && colon && strchr(colon + 1, ':');
	const char *port = to[0] == '[' ? strstr(to, "]:") : bare_v6 ? NULL : colon;
	char entry[128];
	int len = snprintf(entry, sizeof entry, bare_v6 ? "::[%s]%s" : "::%s%s", to, port ? "" : ":");

	if (len >= (int)sizeof entry)
		return -EINVAL;
	if (slist_add(&t->connect_to, entry) < 0)
		return -ENOMEM;
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
	return 0;
}

/* A device name must never be looked up as a host name, which would block. */
static int set_interface(struct transfer *t, const char *interface)
{
	unsigned char address[16];
	bool numeric = inet_pton(AF_INET, interface, address) == 1 || inet_pton(AF_INET6, interface, address) == 1;
	char text[128];

	if (snprintf(text, sizeof text, "%s!%s", numeric ? "host" : "if", interface) >= (int)sizeof text)
		return -EINVAL;
	return curl_easy_setopt(t->easy, CURLOPT_INTERFACE, text) == CURLE_OK ? 0 : -ENOMEM;
}

static void set_limits(struct transfer *t, const struct t3ops_fetch *what)
{
	uint64_t all_us = what->timeout_us ? what->timeout_us : DEFAULT_TIMEOUT_US;
	uint64_t connect_us = what->connect_timeout_us ? what->connect_timeout_us : all_us;

	t->max_body = what->max_body ? what->max_body : DEFAULT_MAX_BODY;
	t->limit_us = all_us;
	t->connect_limit_us = connect_us < all_us ? connect_us : all_us;
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)((all_us + 999) / 1000));
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)((connect_us + 999) / 1000));
	curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, MAX_IDLE_S);
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, what->fresh ? 1L : 0L);
	curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, what->fresh ? 1L : 0L);
}

static void set_manners(struct transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* else giving up waits for the resolver's thread */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(e, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
	curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, t);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, t);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	certificate_keep(e);
}

static bool is_numeric(const char *host)
{
	unsigned char address[16];
	char text[64];
	size_t len = strlen(host);

	if (host[0] != '[')
		return inet_pton(AF_INET, host, address) == 1;
	if (len < 3 || len >= sizeof text || host[len - 1] != ']')
		return false;
	memcpy(text, host + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, address) == 1;
}

/* Where there is no name to look up, nothing can fail at that. */
static enum t3ops_step first_step(const struct t3ops_fetch *what)
{
	CURLU *url = curl_url();
	char *host = NULL;
	bool numeric = what->connect_to && what->connect_to[0];

	if (!numeric && url && curl_url_set(url, CURLUPART_URL, what->url, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		numeric = is_numeric(host);
	curl_free(host);
	curl_url_cleanup(url);
	return numeric ? T3OPS_STEP_CONNECT : T3OPS_STEP_DNS;
}

static int transfer_fill(struct transfer *t, const struct t3ops_fetch *what)
{
	int rc;

	t->easy = curl_easy_init();
	if (!t->easy)
		return -ENOMEM;
	t->step = T3OPS_STEP_DNS;
	if (!what->url || curl_easy_setopt(t->easy, CURLOPT_URL, what->url) != CURLE_OK)
		return -EINVAL;
	t->step = first_step(what);
	set_manners(t);
	set_limits(t, what);
	set_method(t, what);
	rc = set_headers(t, what);
	if (rc == 0 && what->connect_to && what->connect_to[0])
		rc = set_connect_to(t, what->connect_to);
	if (rc == 0 && what->interface && what->interface[0])
		rc = set_interface(t, what->interface);
	if (rc == 0 && what->ca_file && what->ca_file[0])
		curl_easy_setopt(t->easy, CURLOPT_CAINFO, what->ca_file);
	return rc;
}

struct transfer *transfer_new(const struct t3ops_fetch *what)
{
	struct transfer *t = calloc(1, sizeof *t);
	struct t3ops_fetch known = {0};
	size_t size = what->struct_size < sizeof known ? what->struct_size : sizeof known;

	if (!t)
		abort(); /* there is nobody left to report */
	t->fd = -1;
	memcpy(&known, what, size); /* a plugin built with another minor may know less or more */
	t->refused = transfer_fill(t, &known);
	return t;
}

void transfer_use(struct transfer *t, int fd, uint64_t spent_us)
{
	uint64_t left_us = spent_us < t->limit_us ? t->limit_us - spent_us : 0;

	t->at_path = t->dial.at_path;
	t->ready_made = !t->at_path;
	t->fd = fd;
	if (t->at_path) { /* libcurl 7.88 calls connect(2) whatever it is told, which TCP alone forgives */
		close(fd);
		t->fd = -1;
		curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH, t->dial.target.path);
	}
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(left_us / 1000 + 1));
}

void transfer_free(struct transfer *t)
{
	if (t->fd >= 0)
		close(t->fd);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	if (t->body)
		explicit_bzero(t->body, t->body_size); /* may hold a session */
	free(t->body);
	free(t);
}

/* ---- a certificate that is refused ---------------------------------------------------- */

bool transfer_is_untimely(struct transfer *t)
{
	long found = X509_V_OK;

	if (t->code != CURLE_PEER_FAILED_VERIFICATION || t->looking || t->dial_error != 0)
		return false;
	curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &found);
	t->untimely = found == X509_V_ERR_CERT_NOT_YET_VALID || found == X509_V_ERR_CERT_HAS_EXPIRED;
	return t->untimely;
}

void transfer_look(struct transfer *t)
{
	CURL *e = t->easy;

	memcpy(t->why, t->error, sizeof t->why);
	t->looking = true;
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, LOOK_MS);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	if (!t->untimely)
		return;
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 0L);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, NULL);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(e, CURLOPT_REQUEST_TARGET, "/");
}

/* By the far side's own clock; 0: it does not say. */
static uint64_t there_us(struct transfer *t)
{
	struct curl_header *h;
	time_t at = -1;

	if (curl_easy_header(t->easy, "date", 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
		at = curl_getdate(h->value, NULL);
	return at > 0 ? (uint64_t)at * 1000000 : 0;
}

bool transfer_blames_clock(struct transfer *t)
{
	struct certificate_span span = certificate_span(t->easy);
	uint64_t there = t->untimely ? there_us(t) : 0;
	char time[TIME_TEXT_SIZE];

	time_text(there, time);
	t->clock = t->untimely && certificate_blames_clock(&span, clock_wall_us(), there);
	if (!t->clock)
		memcpy(t->error, t->why, sizeof t->error);
	else if (there == 0)
		snprintf(t->error, sizeof t->error, "%.120s, by the clock of this machine alone", t->why);
	else
		snprintf(t->error, sizeof t->error,
		         "%.120s, by the clock of this machine, but not by the server's own: %s", t->why, time);
	return t->clock;
}

/* ---- what became of it ------------------------------------------------------------ */

/* The errno that libcurl saw last, or `otherwise`. */
static int os_error(const struct transfer *t, int otherwise)
{
	long seen = 0;

	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &seen);
	switch (seen) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ETIMEDOUT:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
		return -(int)seen;
	case EPIPE:
		return -ECONNRESET;
	default:
		return otherwise;
	}
}

static int error_of(const struct transfer *t)
{
	if (t->dial_error != 0)
		return t->dial_error;
	switch (t->code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -ENOENT;
	case CURLE_COULDNT_CONNECT:
		return os_error(t, -ECONNREFUSED);
	case CURLE_INTERFACE_FAILED:
		return -EADDRNOTAVAIL;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return t->clock ? -EKEYEXPIRED : -EKEYREJECTED;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return -ENODATA;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return os_error(t, -ECONNRESET);
	case CURLE_SSL_CONNECT_ERROR:
		return os_error(t, -EPROTO);
	case CURLE_WRITE_ERROR:
		return t->too_big ? -EFBIG : -ENOMEM;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL, or an answer that is not HTTP/1 */
		return t->step >= T3OPS_STEP_HTTP ? -EPROTO : -EINVAL;
	default:
		return -EPROTO;
	}
}

static const char *fetched_header(const struct t3ops_fetched *f, const char *name, size_t nth)
{
	const struct transfer *t = f->priv;
	struct curl_header *h;

	if (!t->easy || t->looking || curl_easy_header(t->easy, name, nth, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

static const char *error_text(struct transfer *t, int error)
{
	if (error == 0)
		return "";
	if (t->refused == -EINVAL)
		return "the URL or a header cannot be sent";
	if (t->refused)
		return strerror(-t->refused);
	if (t->dial_error != 0)
		return dial_error_text(t->dial_error);
	if (t->too_big)
		return "the answer is larger than the limit";
	if (t->error[0] == '\0')
		return curl_easy_strerror(t->code);
	for (char *c = t->error; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return t->error;
}

void transfer_report(struct transfer *t)
{
	struct t3ops_fetched f = {.struct_size = sizeof f, .header = fetched_header, .priv = t};
	curl_off_t total_us = 0;
	long status = 0;

	f.error = t->refused ? t->refused : error_of(t);
	if (!t->refused && !t->looking) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total_us);
	}
	if ((f.error == -EKEYREJECTED || f.error == -EKEYEXPIRED) && t->dial_error == 0)
		step_reach(t, T3OPS_STEP_TLS); /* a certificate file that cannot be read fails before the handshake */
	f.step = f.error ? t->step : T3OPS_STEP_OPEN;
	f.status = (int)status;
	f.body = t->body ? t->body : "";
	f.body_len = t->body_len;
	f.error_text = error_text(t, f.error);
	f.total_us = (uint64_t)total_us;
	f.certificate_until_us = t->refused || t->clock ? 0 : certificate_until_us(t->easy);
	t->cb(t->arg, &f);
}

/* SPDX-License-Identifier: MIT */
/* libcurl's easy interface; an upgrade goes over its socket (CONNECT_ONLY), for 7.88 knows no WebSocket. */
#include <curl/curl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "ctl/reach.h"

#define HEAD_MAX 16384
#define FIND_MAX 64

struct transfer {
	CURL *curl;
	struct curl_slist *connect_to, *headers;
	char error[CURL_ERROR_SIZE];
	struct reach_answer *answer;
	const char *find;
	char seen[FIND_MAX + 1];
};

/* `seen` is the end of what has come, as long as the text. */
static void text_find(struct transfer *t, const char *bytes, size_t len)
{
	size_t wanted = strlen(t->find);

	for (size_t i = 0; i < len && !t->answer->found; i++) {
		memmove(t->seen, t->seen + 1, wanted);
		t->seen[wanted - 1] = bytes[i];
		t->answer->found = memcmp(t->seen, t->find, wanted) == 0;
	}
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct reach_answer *a = t->answer;
	size_t used = strlen(a->body), room = sizeof a->body - 1 - used, len = size * n < room ? size * n : room;

	memcpy(a->body + used, bytes, len);
	a->body[used + len] = '\0';
	if (t->find[0] != '\0')
		text_find(t, bytes, size * n);
	return size * n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct reach_answer *a = arg;
	char line[128];

	snprintf(line, sizeof line, "%.*s", (int)(size * n), bytes);
	if (strncasecmp(line, "date:", 5) == 0)
		a->date = curl_getdate(line + 5, NULL);
	return size * n;
}

/* Each address that is tried. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct reach_answer *a = arg;

	(void)purpose;
	if (to->family != AF_UNIX)
		getnameinfo(&to->addr, to->addrlen, a->ip, sizeof a->ip, a->port, sizeof a->port,
		            NI_NUMERICHOST | NI_NUMERICSERV);
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* ::ADDRESS:PORT, where PORT may be left out. */
static void address_pin(struct transfer *t, const char *address)
{
	char text[256];
	const char *bracket = strchr(address, ']'), *colon = strrchr(address, ':');
	bool is_bare_v6 = address[0] != '[' && strchr(address, ':') != colon;
	bool has_port = !is_bare_v6 && colon != NULL && (bracket == NULL || colon > bracket);

	snprintf(text, sizeof text, is_bare_v6 ? "::[%s]:" : has_port ? "::%s" : "::%s:", address);
	t->connect_to = curl_slist_append(NULL, text);
	curl_easy_setopt(t->curl, CURLOPT_CONNECT_TO, t->connect_to);
}

static void way_take(struct transfer *t, const struct reach_way *way)
{
	if (is_given(way->address))
		address_pin(t, way->address);
	else if (is_given(way->resolver))
		curl_easy_setopt(t->curl, CURLOPT_DOH_URL, way->resolver);
	if (is_given(way->ca_file))
		curl_easy_setopt(t->curl, CURLOPT_CAINFO, way->ca_file);
	if (is_given(way->interface))
		curl_easy_setopt(t->curl, CURLOPT_INTERFACE, way->interface);
	if (is_given(way->socket))
		curl_easy_setopt(t->curl, CURLOPT_UNIX_SOCKET_PATH, way->socket);
}

static void transfer_begin(struct transfer *t, const char *url, const struct reach_way *way, unsigned timeout_ms,
                           struct reach_answer *a)
{
	memset(a, 0, sizeof *a);
	*t = (struct transfer){.curl = curl_easy_init(), .answer = a, .find = ""};
	if (t->curl == NULL)
		abort();
	curl_easy_setopt(t->curl, CURLOPT_URL, url);
	curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(t->curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(t->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(t->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "t3opsctl/" PACKAGE_VERSION);
	if (is_given(way->find) && strlen(way->find) <= FIND_MAX)
		t->find = way->find;
	curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETDATA, a);
	way_take(t, way);
}

static void transfer_end(struct transfer *t)
{
	curl_easy_cleanup(t->curl);
	curl_slist_free_all(t->connect_to);
	curl_slist_free_all(t->headers);
}

/* Whether it worked; else why. */
static bool performed(struct transfer *t)
{
	CURLcode r = curl_easy_perform(t->curl);

	if (r != CURLE_OK)
		snprintf(t->answer->why, sizeof t->answer->why, "%s",
		         t->error[0] != '\0' ? t->error : curl_easy_strerror(r));
	return r == CURLE_OK;
}

void reach_get(const char *url, const struct reach_way *way, const char *header, unsigned timeout_ms,
               struct reach_answer *a)
{
	const char *location = NULL;
	struct transfer t;

	transfer_begin(&t, url, way, timeout_ms, a);
	curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, &t);
	curl_easy_setopt(t.curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t.curl, CURLOPT_HEADERDATA, a);
	if (header != NULL) {
		t.headers = curl_slist_append(NULL, header);
		curl_easy_setopt(t.curl, CURLOPT_HTTPHEADER, t.headers);
	}
	if (performed(&t)) {
		curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &a->status);
		curl_easy_getinfo(t.curl, CURLINFO_REDIRECT_URL, &location);
		snprintf(a->location, sizeof a->location, "%s", location != NULL ? location : "");
	}
	transfer_end(&t);
}

/* Waits until the socket is ready; false: too late. */
static bool socket_wait(CURL *curl, short events, unsigned timeout_ms)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
	return poll(&(struct pollfd){.fd = fd, .events = events}, 1, (int)timeout_ms) == 1;
}

static bool request_send(struct transfer *t, const char *request, unsigned timeout_ms)
{
	size_t done = 0, n;

	while (done < strlen(request)) {
		CURLcode r = curl_easy_send(t->curl, request + done, strlen(request) - done, &n);

		if (r == CURLE_AGAIN && socket_wait(t->curl, POLLOUT, timeout_ms))
			continue;
		if (r != CURLE_OK)
			return false;
		done += n;
	}
	return true;
}

/* The status line and the headers; false: they did not come. */
static bool head_read(struct transfer *t, char *head, unsigned timeout_ms)
{
	size_t used = 0, n;

	head[0] = '\0';
	while (strstr(head, "\r\n\r\n") == NULL && used < HEAD_MAX - 1) {
		CURLcode r = curl_easy_recv(t->curl, head + used, HEAD_MAX - 1 - used, &n);

		if (r == CURLE_AGAIN && socket_wait(t->curl, POLLIN, timeout_ms))
			continue;
		if (r != CURLE_OK || n == 0)
			return false;
		used += n;
		head[used] = '\0';
	}
	return true;
}

static void upgrade_ask(struct transfer *t, const char *host, const char *path, const char *scheme,
                        unsigned timeout_ms)
{
	char request[2048], head[HEAD_MAX];

	snprintf(request, sizeof request,
	         "GET %s HTTP/1.1\r\nHost: %s\r\nOrigin: %s://%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	         "User-Agent: t3opsctl/" PACKAGE_VERSION "\r\n\r\n",
	         path, host, scheme, host);
	if (request_send(t, request, timeout_ms) && head_read(t, head, timeout_ms) &&
	    sscanf(head, "HTTP/1.%*1[01] %ld", &t->answer->status) == 1)
		return;
	snprintf(t->answer->why, sizeof t->answer->why, "no answer to the upgrade");
}

void reach_websocket(const char *url, const struct reach_way *way, unsigned timeout_ms, struct reach_answer *a)
{
	bool is_tls = strncmp(url, "wss:", 4) == 0;
	const char *host = strstr(url, "//") != NULL ? strstr(url, "//") + 2 : url;
	const char *path = strchr(host, '/');
	char http_url[1024], name[512];
	struct transfer t;

	snprintf(name, sizeof name, "%.*s", (int)(path != NULL ? (size_t)(path - host) : strlen(host)), host);
	snprintf(http_url, sizeof http_url, "%s://%s/", is_tls ? "https" : "http", name);
	transfer_begin(&t, http_url, way, timeout_ms, a);
	curl_easy_setopt(t.curl, CURLOPT_CONNECT_ONLY, 1L);
	if (performed(&t))
		upgrade_ask(&t, name, path != NULL ? path : "/", is_tls ? "https" : "http", timeout_ms);
	transfer_end(&t);
}

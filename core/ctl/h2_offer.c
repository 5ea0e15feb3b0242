/* SPDX-License-Identifier: MIT */
/* Just enough of HTTP/2: the preface goes out, the server's SETTINGS come back. */
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ctl/h2_offer.h"

#define FRAME_HEAD              9
#define FRAME_SETTINGS          4
#define SETTING_SIZE            6
#define ENABLE_CONNECT_PROTOCOL 8
#define SETTINGS_MAX            1024

static int connect_to(const char *ip, const char *port, unsigned timeout_ms)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *to = NULL;
	struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	int fd = -1;

	if (getaddrinfo(ip, port, &hints, &to) != 0)
		return -1;
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(to);
	return fd;
}

static bool all_read(SSL *ssl, unsigned char *bytes, int n)
{
	for (int done = 0, r; done < n; done += r) {
		r = SSL_read(ssl, bytes + done, n - done);
		if (r <= 0)
			return false;
	}
	return true;
}

/* The settings are pairs of 16 and 32 bits. */
static enum h2_offer settings_read(SSL *ssl)
{
	unsigned char head[FRAME_HEAD], settings[SETTINGS_MAX];
	int n;

	if (!all_read(ssl, head, sizeof head) || head[3] != FRAME_SETTINGS)
		return H2_OFFER_UNKNOWN;
	n = head[0] << 16 | head[1] << 8 | head[2];
	if (n > SETTINGS_MAX || !all_read(ssl, settings, n))
		return H2_OFFER_UNKNOWN;
	for (int i = 0; i + SETTING_SIZE <= n; i += SETTING_SIZE)
		if ((settings[i] << 8 | settings[i + 1]) == ENABLE_CONNECT_PROTOCOL && settings[i + 5] == 1)
			return H2_OFFER_WEBSOCKETS;
	return H2_OFFER_NONE;
}

static enum h2_offer session_ask(SSL *ssl, const char *host, int fd)
{
	static const unsigned char offered[] = "\x02h2\x08http/1.1";
	static const char preface[] =
	    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"; /* and settings of none */
	const unsigned char *chosen = NULL;
	unsigned n = 0;

	SSL_set_tlsext_host_name(ssl, host);
	SSL_set_alpn_protos(ssl, offered, sizeof offered - 1);
	if (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		return H2_OFFER_UNKNOWN;
	SSL_get0_alpn_selected(ssl, &chosen, &n);
	if (n != 2 || memcmp(chosen, "h2", 2) != 0)
		return H2_OFFER_NONE;
	return SSL_write(ssl, preface, sizeof preface - 1) > 0 ? settings_read(ssl) : H2_OFFER_UNKNOWN;
}

enum h2_offer h2_offer_ask(const char *ip, const char *port, const char *host, unsigned timeout_ms)
{
	int fd = connect_to(ip, port, timeout_ms);
	SSL_CTX *context = fd >= 0 ? SSL_CTX_new(TLS_client_method()) : NULL;
	SSL *ssl = context != NULL ? SSL_new(context) : NULL;
	enum h2_offer offer = ssl != NULL ? session_ask(ssl, host, fd) : H2_OFFER_UNKNOWN;

	SSL_free(ssl);
	SSL_CTX_free(context);
	if (fd >= 0)
		close(fd);
	return offer;
}

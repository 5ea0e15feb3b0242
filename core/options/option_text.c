/* SPDX-License-Identifier: MIT */
/* What texts of each type look like; see option_text.h. */
#include "options/option_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/cidr.h"
#include "net/request_validation.h"
#include "options/certificates.h"
#include "options/parse.h"
#include "plugin.h"

#define PATH_BYTES_MAX   (PATH_MAX - NAME_MAX - 1)
#define LISTEN_PATH_SIZE 107        /* with unix: before it, struct listener holds it */
#define CA_FILE_BYTES    (16 << 20) /* those of systems have less than 1 MiB */

/* ---- addresses ----------------------------------------------------------------------------------- */

static const char *address_check(const char *text)
{
	char host[64];
	int port;

	return address_parse(text, host, sizeof host, &port) && port != 0
	           ? NULL
	           : "a numeric IPv4 or IPv6 address, such as \"10.0.20.203\", \"[::1]:443\"";
}

static const char *listen_check(const char *text)
{
	char host[64];
	int port;

	if (strncmp(text, "unix:", 5) == 0)
		return text[5] == '/' && strlen(text + 5) < LISTEN_PATH_SIZE
		           ? NULL
		           : "unix:PATH with an absolute path of at most 106 bytes";
	return address_parse(text, host, sizeof host, &port) && port >= 0
	           ? NULL
	           : "ADDRESS:PORT with a numeric address, such as \"127.0.0.1:3780\", \"[::1]:3780\"";
}

static const char *network_check(const char *text, char *buf, size_t size)
{
	struct cidr network;
	char name[64];

	switch (cidr_parse(text, &network)) {
	case CIDR_OK:
		return NULL;
	case CIDR_HOST_BITS:
		cidr_text(&network, name, sizeof name);
		snprintf(buf, size, "no bits set beyond %s; did you mean \"%s\"?", strrchr(name, '/'), name);
		return buf;
	default:
		return "a network such as \"10.0.20.0/24\"";
	}
}

static bool is_numeric(const char *text)
{
	unsigned char bin[16];

	return inet_pton(AF_INET, text, bin) == 1 || inet_pton(AF_INET6, text, bin) == 1;
}

static const char *interface_check(const char *text)
{
	size_t len = strlen(text);

	return is_numeric(text) || (len < IF_NAMESIZE && strcspn(text, "/ \t!") == len)
	           ? NULL
	           : "the name of a network device, or the address of one";
}

static bool address_is(const struct sockaddr *a, const char *text)
{
	char name[INET6_ADDRSTRLEN] = "";

	if (a && a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, name, sizeof name);
	else if (a && a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, name, sizeof name);
	return strcmp(name, text) == 0;
}

static const char *interface_warning(const char *text)
{
	struct ifaddrs *all, *a;

	if (!is_numeric(text))
		return if_nametoindex(text) ? NULL : "this machine has no such network device";
	if (getifaddrs(&all) < 0)
		return NULL;
	for (a = all; a && !address_is(a->ifa_addr, text); a = a->ifa_next)
		;
	freeifaddrs(all);
	return a ? NULL : "no network device of this machine has that address";
}

/* ---- files ----------------------------------------------------------------------------------------- */

/* Whether the system takes it, and that of a file in it. */
static const char *path_length_check(const char *path)
{
	_Static_assert(PATH_BYTES_MAX == 3840 && NAME_MAX == 255, "as the sentences say");

	if (strlen(path) > PATH_BYTES_MAX)
		return "a path of at most 3840 bytes";
	for (const char *at = path + strspn(path, "/"); *at; at += strspn(at, "/")) {
		size_t len = strcspn(at, "/");

		if (len > NAME_MAX)
			return "names of at most 255 bytes in the path";
		at += len;
	}
	return NULL;
}

static const char *path_check(const char *path)
{
	return *path == '/' ? path_length_check(path) : "an absolute path";
}

/* A regular file that we can read, opened; -1 with what was expected instead. */
static int file_open(const char *path, struct stat *st, const char **expected)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		*expected = errno == ENOENT ? "a file that exists" : "a file that t3ops' account can read";
		return -1;
	}
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	*expected = "a regular file";
	return -1;
}

static const char *secret_file_check(const char *path)
{
	const char *expected = NULL;
	struct stat st;
	int fd;

	if (*path != '/')
		return "an absolute path of a file that other accounts cannot read";
	fd = file_open(path, &st, &expected);
	if (fd < 0)
		return errno == EACCES ? "a file that t3ops can read: give it the group of user and chmod 640 it"
		                       : expected;
	close(fd);
	return st.st_mode & S_IRWXO ? "a file that other accounts cannot read: chmod o= it" : NULL;
}

static const char *certificates_in(int fd, size_t size)
{
	char *bytes = malloc(size + 1);
	ssize_t n = bytes ? read(fd, bytes, size) : -1;
	const char *expected = n < 0 ? "a file that can be read" : certificates_check(bytes, (size_t)n);

	free(bytes);
	return expected;
}

static const char *ca_file_check(const char *path)
{
	const char *expected = NULL;
	struct stat st;
	int fd;

	if (*path != '/')
		return "an absolute path of a file of certificates";
	fd = file_open(path, &st, &expected);
	if (fd < 0)
		return expected;
	if (st.st_size > CA_FILE_BYTES)
		expected = "a file of certificates of at most 16 MiB";
	else
		expected = certificates_in(fd, (size_t)st.st_size);
	close(fd);
	return expected;
}

static const char *user_dir_check(const char *path)
{
	size_t len = strlen(path);

	if (*path != '/' || strspn(path, "/") == len)
		return "an absolute path of a directory";
	if (strstr(path, "/../") || (len >= 3 && strcmp(path + len - 3, "/..") == 0))
		return "a path without \"..\"";
	return path_length_check(path);
}

/* ---- the web ------------------------------------------------------------------------------------------ */

/* NAME, NAME:PORT, ADDRESS:PORT or [ADDRESS]:PORT. */
static bool is_host(const char *text, size_t len)
{
	char host[256], address[64];
	const char *colon;
	int64_t port;
	int address_port; /* -1: none */

	if (len >= sizeof host)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)len, text);
	if (*host == '[')
		return address_parse(host, address, sizeof address, &address_port) && address_port != 0;
	colon = strchr(host, ':');
	if (colon && (!int_parse(colon + 1, &port) || port < 1 || port > 65535))
		return false;
	host[colon ? (size_t)(colon - host) : len] = '\0';
	return name_valid(host, sizeof host) && !strstr(host, "..");
}

static const char *url_check(const char *url, const char *const schemes[2], const char *expected)
{
	const char *host = NULL;
	size_t len;

	for (size_t i = 0; i < 2; i++)
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			host = url + strlen(schemes[i]);
	if (!host)
		return expected;
	len = strcspn(host, "/?#");
	if (len == 0 || *host == ':')
		return "a URL with a host";
	if (memchr(host, '@', len))
		return "a URL without user and password";
	if (!is_host(host, len))
		return "a URL with the name or address of a host, and a port up to 65535";
	return strpbrk(url, " \\\"<>") ? "a URL without spaces, quotes and backslashes" : NULL;
}

static const char *http_url_check(const char *url)
{
	return url_check(url, (const char *const[]){"http://", "https://"},
	                 "a URL that begins with https:// (or http://)");
}

static const char *ws_url_check(const char *url)
{
	return url_check(url, (const char *const[]){"ws://", "wss://"},
	                 "the URL of a WebSocket: it begins with wss:// (or ws://)");
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

/* Browsers send it without the port that its scheme has by itself. */
static const char *origin_check(const char *text)
{
	bool tls = strncasecmp(text, "https://", 8) == 0, plain = strncasecmp(text, "http://", 7) == 0;
	const char *host = text + (tls ? 8 : plain ? 7 : strlen(text));

	if (!is_host(host, strlen(host)))
		return "an origin, such as \"https://t3.example.com\"";
	if (ends_in(host, tls ? ":443" : ":80"))
		return "an origin as browsers send it, without the port that its scheme has by itself";
	return NULL;
}

static const char *url_path_check(const char *text)
{
	size_t len = strlen(text);

	return len < 2 || text[0] != '/' || text[len - 1] == '/' || strpbrk(text, "%?#*\\ ") || strstr(text, "//") ||
	               strstr(text, "/.")
	           ? "the path of a URL below \"/\", without a slash at its end, such as \"/probe\""
	           : NULL;
}

static const char *header_check(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!http_is_token_char((unsigned char)*p))
			return "the name of an HTTP header";
	return NULL;
}

/* ---- names --------------------------------------------------------------------------------------------- */

static const char *segment_check(const char *text)
{
	return name_valid(text, NAME_MAX_BYTES) ? NULL : "a segment's name of at most 31 letters, digits, _, - and .";
}

static const char *account_check(const char *name)
{
	const struct passwd *pw = getpwnam(name);

	if (strpbrk(name, ": /"))
		return "the name of an account";
	return pw && pw->pw_uid == 0 ? "an account that is not root, which needs no right that only root has" : NULL;
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

const char *text_check(uint32_t type, const char *text, char *buf, size_t size)
{
	switch (type) {
	case T3OPS_OPT_ADDRESS:
		return address_check(text);
	case T3OPS_OPT_LISTEN:
		return listen_check(text);
	case T3OPS_OPT_NETWORK:
		return network_check(text, buf, size);
	case T3OPS_OPT_INTERFACE:
		return interface_check(text);
	case T3OPS_OPT_PATH:
		return path_check(text);
	case T3OPS_OPT_CA_FILE:
		return ca_file_check(text);
	case T3OPS_OPT_SECRET_FILE:
		return secret_file_check(text);
	case T3OPS_OPT_USER_DIR:
		return user_dir_check(text);
	case T3OPS_OPT_URL:
		return http_url_check(text);
	case T3OPS_OPT_WS_URL:
		return ws_url_check(text);
	case T3OPS_OPT_URL_PATH:
		return url_path_check(text);
	case T3OPS_OPT_ORIGIN:
		return origin_check(text);
	case T3OPS_OPT_HEADER:
		return header_check(text);
	case T3OPS_OPT_SEGMENT:
		return segment_check(text);
	case T3OPS_OPT_ACCOUNT:
		return account_check(text);
	case T3OPS_OPT_COMMAND:
		return name_valid(text, 63) ? NULL : "the name of a command section";
	case T3OPS_OPT_JOB:
		return name_valid(text, 63) ? NULL : "the name of a section of a job plugin";
	default:
		return NULL;
	}
}

const char *text_warning(uint32_t type, const char *text)
{
	return type == T3OPS_OPT_INTERFACE && *text ? interface_warning(text) : NULL;
}

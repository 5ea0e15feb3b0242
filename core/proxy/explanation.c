/* SPDX-License-Identifier: MIT */
/* Words for people; see explanation.h. */
#include "proxy/explanation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN_SHOWN_MAX 60

const struct explanation explanation_signed_out = {
    .status = 403,
    .title = "Sign-in required",
    .text = "You are not signed in, or the sign-in of this site did not pass your name on, so t3ops cannot tell "
            "which t3 server is yours.",
};
const struct explanation explanation_no_user = {
    .status = 403,
    .title = "No t3 server for your account",
    .text = "You are signed in, but your account has no t3 server here. Ask the operator of this site to add you to "
            "the user table.",
};
const struct explanation explanation_no_table = {
    .status = 503,
    .title = "The user table cannot be read",
    .retry_seconds = RETRY_SECONDS,
    .text = "You are signed in, but t3ops cannot tell which t3 server is yours: the user table cannot be read. "
            "The log shows the operator of this site which line is at fault.",
};
const struct explanation explanation_too_large = {
    .status = 431,
    .title = "Your browser sends too much",
    .text = "Usually too many cookies have piled up. Delete the cookies of this site in your browser's settings, "
            "then load "
            "this page again and sign in."};
const struct explanation explanation_quota = {
    .status = 429,
    .title = "Too many requests",
    .retry_seconds = RETRY_SECONDS,
    .text = "You have as many requests in progress or WebSockets open as this site allows. Close some tabs.",
};
const struct explanation explanation_plugin_bug = {
    .status = 500,
    .title = "Internal error",
    .text = "A plugin of t3ops took this request and did not respond to it.",
};

struct explanation explain_upstream(const struct user *user, int error, bool safe, uint64_t since_us,
                                    char text[EXPLANATION_TEXT_SIZE])
{
	struct explanation why = {.text = text,
	                          .retry_seconds = RETRY_SECONDS,
	                          .since_us = since_us,
	                          .link_target = "t3ops/me",
	                          .link_text = "Your connection and its drops"};
	int n = user->socket[0] != '\0'
	            ? snprintf(text, EXPLANATION_TEXT_SIZE, "The t3 server of %s (%s) ", user->name, user->socket)
	            : snprintf(text, EXPLANATION_TEXT_SIZE, "The t3 server of %s (%s port %u) ", user->name,
	                       user->host, user->port);
	char *rest = text + n;
	size_t size = EXPLANATION_TEXT_SIZE - (size_t)n; /* names and paths have limits */

	if (error == -EKEYREJECTED) {
		why.status = 503;
		why.title = "Something else answers for your t3 server";
		snprintf(rest, size,
		         "is not the one that answers there: a process of another account does. Nothing of yours "
		         "was sent to it. Tell the operator of this site.");
	} else if (error == -ENOKEY) {
		why.status = 503;
		why.title = "Your t3 server cannot be recognised";
		snprintf(rest, size,
		         "was sent nothing: t3ops cannot tell whose process answers there. The operator of this site "
		         "can name its account in the user table or, if it is on another machine, its address in "
		         "trusted_upstreams.");
	} else if (error == -EACCES) {
		why.status = 503;
		why.title = "Your t3 server is out of reach";
		snprintf(rest, size,
		         "cannot be reached: t3ops may not connect to its socket. The operator of this site can give "
		         "the group of t3ops write access to it.");
	} else if (error == -ETIMEDOUT) {
		why.status = safe ? 503 : 504;
		why.title = "Your t3 server does not respond";
		snprintf(rest, size, "accepts connections but does not respond. It may be starting or stalled.");
	} else if (error == -ECONNRESET || error == -EPIPE || error == -EPROTO) {
		why.status = 502;
		why.title = "Your t3 server broke the connection";
		snprintf(rest, size, "broke the connection before it responded.");
	} else {
		why.status = 503;
		why.title = "Your t3 server is not running";
		snprintf(rest, size, "cannot be reached: %s. It is probably not running, or is being restarted.",
		         strerror(-error));
	}
	return why;
}

struct explanation explain_plugin_timeout(const char *plugin, char text[EXPLANATION_TEXT_SIZE])
{
	snprintf(text, EXPLANATION_TEXT_SIZE, "The plugin %s of t3ops did not finish in time.", plugin);
	return (struct explanation){
	    .status = 503, .title = "That took too long", .text = text, .retry_seconds = RETRY_SECONDS};
}

struct explanation explain_origin(const char *origin, size_t len, char text[EXPLANATION_TEXT_SIZE])
{
	if (origin)
		snprintf(text, EXPLANATION_TEXT_SIZE,
		         "A page of another site (%.*s) may not open a WebSocket here. If that site is yours, add it "
		         "to allowed_origins; if it is this one, let your proxy send its name and port in Host or "
		         "X-Forwarded-Host.",
		         (int)(len < ORIGIN_SHOWN_MAX ? len : ORIGIN_SHOWN_MAX), origin);
	else
		snprintf(text, EXPLANATION_TEXT_SIZE,
		         "A WebSocket request without Origin needs a ticket or a bearer token.");
	return (struct explanation){.status = 403, .title = "Cross-origin WebSocket refused", .text = text};
}

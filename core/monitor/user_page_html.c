/* SPDX-License-Identifier: MIT */
/* Plain words for one user; see user_page_html.h. */
#include "monitor/user_page_html.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/duration_words.h"
#include "monitor/site_write.h"
#include "monitor/verdict_span.h"
#include "net/html.h"
#include "sys/time_text.h"

static const char head[] =
    "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width, "
    "initial-scale=1\"><meta name=color-scheme content=\"light dark\"><title>My connection</title><style>"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:0 auto;padding:1.5em 1em;overflow-wrap:anywhere}"
    "h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}small,time{opacity:.75}"
    "article{border-left:.3em solid #888;padding-left:1em;margin:1.2em 0}article.yours{border-color:#d9a400}"
    "article.ours{border-color:#c62828}pre{white-space:pre-wrap;border:1px solid "
    "#888;border-radius:.4em;padding:.8em;"
    "font-size:.85em}</style></head><body>";

/* ---- whose fault --------------------------------------------------------------------------------- */

static bool names(const json_t *verdict, const char *segment)
{
	return verdict_span_has_segment(verdict, segment);
}

static bool names_only(const json_t *verdict, const char *segment)
{
	return json_array_size(json_object_get(verdict, "segments")) == 1 && names(verdict, segment);
}

/* The row of evidence about this user's page; NULL: there is none. */
static const json_t *own_row(const json_t *verdict, const char *user)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(verdict, "evidence"), i, row)
		if (strcmp(site_get(row, "what"), "tunnel") == 0 && strcmp(site_get(row, "name"), user) == 0 &&
		    json_is_true(json_object_get(row, "failed")))
			return row;
	return NULL;
}

/* Whose fault it was, and what to do. */
struct words {
	const char *whose, *what;
};

static struct words words_of(const json_t *verdict)
{
	bool cleared = json_is_true(json_object_get(verdict, "infra_exonerated"));

	if (names_only(verdict, "last_mile"))
		return (struct words){
		    "Your network.",
		    "Your page was awake and did not get through to us. Try another Wi-Fi, a cable or the phone's "
		    "network; if it happens again, ask your provider, or leave a VPN out."};
	if (cleared)
		return (struct words){
		    "Not ours.",
		    "Every part of ours was proven to work right then. What broke the connection is not proven: your "
		    "device, its Wi-Fi or your provider are likely. If it happens again, try another network."};
	if (names_only(verdict, "serve"))
		return (struct words){"Your t3 server.", "It stalled, stopped or was restarted. Your network is "
		                                         "fine. If it happens again, tell the operator."};
	if (names_only(verdict, "host"))
		return (struct words){"Ours: the machine was overloaded or stood still.",
		                      "You need not do anything."};
	if (names_only(verdict, "inconclusive"))
		return (struct words){"Not known.",
		                      "The machine that your t3 server runs behind had no network of its own at that "
		                      "time, so it could not measure anything. You need not do anything."};
	if (names_only(verdict, "unknown") || names_only(verdict, "prober"))
		return (struct words){"Not known.", "Everything on the way also worked. If it happens again, send "
		                                    "the paragraph below to the operator."};
	if (names(verdict, "last_mile"))
		return (struct words){"Yours or ours: it cannot be told apart.",
		                      "If others had it at the same time, it was ours. If only you have it again "
		                      "and again, try another network."};
	return (struct words){"Ours.", "Something between the internet and your t3 server broke. Your network is "
	                               "fine, and you need not do anything."};
}

/* ---- one drop -------------------------------------------------------------------------------------- */

static const char *class_of(const json_t *verdict)
{
	return json_is_true(json_object_get(verdict, "infra_exonerated")) ? "yours"
	       : names(verdict, "last_mile") || names_only(verdict, "unknown") || names_only(verdict, "inconclusive")
	           ? ""
	           : "ours";
}

static void own_row_put(FILE *out, const json_t *row)
{
	if (row == NULL)
		return;
	if (json_number_value(json_object_get(row, "silent_seconds")) >= 0.1)
		fprintf(out, " Nothing passed for %.1f s.",
		        json_number_value(json_object_get(row, "silent_seconds")));
	if (json_is_true(json_object_get(row, "other_address")))
		fputs(" Your address changed at that time: you came back over another network.", out);
	if (json_is_true(json_object_get(row, "other_colo")))
		fputs(" You came back over another location of Cloudflare.", out);
}

/* What the user's own browsers said of it. */
static void reports_put(FILE *out, const json_t *verdict, const char *user)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(verdict, "browser"), i, row) {
		if (strcmp(site_get(row, "user"), user) != 0)
			continue;
		fputs(" Your browser reported: ", out);
		html_print(out, site_get(row, "path"));
		fputs(": ", out);
		html_print(out, site_get(row, "text"));
		fputs(".", out);
	}
}

static void drop_put(FILE *out, const json_t *verdict, const char *user)
{
	struct words words = words_of(verdict);
	bool stands = strcmp(site_get(verdict, "state"), "standing") == 0;

	fprintf(out, "<article class=\"%s\"><b>%s</b> <small>", class_of(verdict), words.whose);
	site_time_of(out, site_get(verdict, "drop_time"), SITE_DATE);
	fputs(stands ? ", not over yet</small><br>" : ", for ", out);
	if (!stands) {
		html_print(out, site_get(verdict, "lasted"));
		fputs("</small><br>", out);
	}
	fputs(words.what, out);
	own_row_put(out, own_row(verdict, user));
	reports_put(out, verdict, user);
	if (json_is_true(json_object_get(verdict, "infra_exonerated")))
		fprintf(out, " Ours was checked within %.1f s of the moment.",
		        json_number_value(json_object_get(verdict, "delay_seconds")));
	fputs("</article>", out);
}

/* ---- the parts --------------------------------------------------------------------------------------- */

static void now_put(FILE *out, const json_t *row)
{
	long long tunnels = (long long)json_integer_value(json_object_get(row, "tunnels"));
	const json_t *delay = json_object_get(row, "heartbeat_seconds");

	fputs("<h2>Now</h2><p>", out);
	if (tunnels == 0) {
		fputs("No page of yours is connected.", out);
	} else {
		fprintf(out, "%lld connection%s, the oldest since ", tunnels, tunnels == 1 ? "" : "s");
		site_time_of(out, site_get(row, "connected_since"), SITE_DATE);
		fputs(". ", out);
		if (delay != NULL)
			fprintf(out, "Your t3 server answered the last heartbeat in %.1f ms.",
			        json_number_value(delay) * 1000);
	}
	if (strcmp(site_get(row, "leg"), "down") == 0)
		fputs(" Your t3 server does not answer us at the moment.", out);
	fputs("</p>", out);
}

/* One that no verdict is about. */
static void unproven_put(FILE *out, const json_t *drop)
{
	const json_t *seconds = json_object_get(drop, "seconds");
	const char *text = site_get(drop, "text");
	char words[DURATION_WORDS_SIZE];

	fputs("<article><b>Cause not proven.</b> <small>", out);
	site_time_of(out, site_get(drop, "time"), SITE_DATE);
	if (json_is_number(seconds)) {
		duration_words(json_number_value(seconds), words);
		fprintf(out, ", for %s", words);
	}
	fputs("</small><br>A connection of yours was lost", out);
	if (*text != '\0') {
		fputs(": ", out);
		html_print(out, text);
	}
	fputs(json_is_true(json_object_get(drop, "legs_failed"))
	          ? ". A probe of ours failed around that moment, too: it may have been ours."
	          : ". None of our probes failed around that moment that had worked before.",
	      out);
	fputs("</article>", out);
}

/* Both lists are newest first. */
static void drops_put(FILE *out, const json_t *verdicts, const json_t *drops, const char *user)
{
	size_t i = 0, k = 0, n = json_array_size(verdicts), m = json_array_size(drops);

	fputs("<h2>Drops of the last seven days</h2>", out);
	if (n + m == 0)
		fputs("<p>None that we know of.</p>", out);
	while (i < n || k < m) {
		const json_t *verdict = json_array_get(verdicts, i), *drop = json_array_get(drops, k);

		if (drop == NULL ||
		    (verdict != NULL && strcmp(site_get(verdict, "drop_time"), site_get(drop, "time")) >= 0)) {
			drop_put(out, verdict, user);
			i++;
		} else {
			unproven_put(out, drop);
			k++;
		}
	}
}

static void segments_put(FILE *out, const json_t *verdict)
{
	json_t *segment;
	size_t i;

	json_array_foreach (json_object_get(verdict, "segments"), i, segment) {
		const char *name = json_string_value(segment);

		fprintf(out, "%s%.*s", i > 0 ? " or " : "", (int)strcspn(name, "("), name);
	}
}

/* Of the last one, in UTC: whoever reads it may be elsewhere. */
static void ticket_put(FILE *out, const json_t *verdicts, const char *user)
{
	const json_t *last = json_array_get(verdicts, 0), *row = own_row(last, user);

	if (last == NULL)
		return;
	fputs("<h2>For a ticket</h2><pre>User ", out);
	html_print(out, user);
	fprintf(out, ", disconnected at %s for %s (%s). t3ops verdict %lld: ", site_get(last, "drop_time"),
	        site_get(last, "lasted"), site_get(last, "state"),
	        (long long)json_integer_value(json_object_get(last, "id")));
	segments_put(out, last);
	fprintf(out, "%s, given %.1f s after the first drop.",
	        json_is_true(json_object_get(last, "infra_exonerated")) ? ", infra exonerated" : "",
	        json_number_value(json_object_get(last, "delay_seconds")));
	if (row != NULL) {
		fprintf(out, " The page: %s.", site_get(row, "page"));
		own_row_put(out, row);
	}
	fprintf(out,
	        " %zu in seven days.</pre><p><small>The operator sees all of it with: t3opsctl show %lld</small></p>",
	        json_array_size(verdicts), (long long)json_integer_value(json_object_get(last, "id")));
}

char *user_verdict_words(const json_t *verdict)
{
	struct words words = words_of(verdict);
	char *text;

	return asprintf(&text, "%s %s", words.whose, words.what) < 0 ? NULL : text;
}

char *user_page_html(const char *user, const json_t *row, const json_t *verdicts, const json_t *drops, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (out == NULL)
		return NULL;
	fputs(head, out);
	fputs("<h1>Your connection, ", out);
	html_print(out, user);
	fputs("</h1>", out);
	now_put(out, row);
	drops_put(out, verdicts, drops, user);
	ticket_put(out, verdicts, user);
	fputs("<p><small>Times are ", out);
	site_zone(out);
	fputs(", but for the ticket. <a href=\"/\">To your t3</a></small></p></body></html>\n", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

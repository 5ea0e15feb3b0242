/* SPDX-License-Identifier: MIT */
/* An event of the journal as a sentence for people.  Pure. */
#ifndef T3OPS_MONITOR_EVENT_WORDS_H
#define T3OPS_MONITOR_EVENT_WORDS_H

/* A row of the journal. */
struct event_row {
	const char *kind, *plugin;
	const char *who; /* its user, or several, comma-separated, of whom the same is to be said; "": nobody */
	const char *line;
};

/* The caller frees it; NULL without memory. */
char *event_words(const struct event_row *e);

#endif

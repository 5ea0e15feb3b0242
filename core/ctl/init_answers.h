/* SPDX-License-Identifier: MIT */
/*
 * What `t3opsctl init` has to know, each thing by one row: as a flag, as a question, or as it is found on the
 * machine. The same check is made of all three.
 */
#ifndef T3OPS_CTL_INIT_ANSWERS_H
#define T3OPS_CTL_INIT_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>

/* How a sign-in comes between the proxy and t3ops. */
enum sign_in_way {
	SIGN_IN_ASKED,   /* the proxy asks it, and sends what it answers */
	SIGN_IN_THROUGH, /* the proxy sends everybody to it, and it sends them on */
	SIGN_IN_EDGE,    /* it is in front of the proxy */
	SIGN_IN_NOT      /* they do not go together */
};

struct init_answers {
	json_t *values; /* by the name of the flag; what was not needed is "" */
	char *root;     /* before every path that is read or written; "" for this machine */
	bool force, dry, yes;
};

/* From the command line and, unless --yes is given, questions on standard output answered on standard input; 0, or
 * what the program returns, plus one, after the error or the usage.  To be freed by init_answers_fini in any case. */
int init_answers_read(struct init_answers *a, int argc, char **argv);
void init_answers_fini(struct init_answers *a);
/* "" if there is none. */
const char *init_answer(const struct init_answers *a, const char *name);
enum sign_in_way init_sign_in_way(const char *proxy, const char *sign_in);
/* Whether that sign-in names users by e-mail address. */
bool init_names_by_mail(const char *sign_in);

#endif

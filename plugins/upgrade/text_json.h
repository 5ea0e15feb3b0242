/* SPDX-License-Identifier: MIT */
/* What a server printed, cut off somewhere, as JSON: it is not always text that JSON can hold. */
#ifndef T3OPS_PLUGINS_UPGRADE_TEXT_JSON_H
#define T3OPS_PLUGINS_UPGRADE_TEXT_JSON_H

#include <jansson.h>

/* What is not ASCII becomes ? if the text is no UTF-8.  Never NULL for lack of an encoding. */
json_t *text_json(const char *text);

#endif

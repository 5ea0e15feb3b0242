/* SPDX-License-Identifier: MIT */
/* A library that is no plugin: it exports another plugin's name. */
#include "plugin.h"

T3OPS_PLUGIN(somebody_else) = {T3OPS_HEAD};

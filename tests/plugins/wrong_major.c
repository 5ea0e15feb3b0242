/* SPDX-License-Identifier: MIT */
/* A plugin of another major version of the ABI. */
#include "plugin.h"

T3OPS_PLUGIN(wrong_major) = {
    .magic = T3OPS_MAGIC,
    .abi_major = T3OPS_ABI_MAJOR + 1,
    .struct_size = 16,
};

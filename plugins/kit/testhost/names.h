/* SPDX-License-Identifier: MIT */
/* Files of core/ that this library is built with, under names of its own: it is linked with other people's code. */
#ifndef T3OPS_TESTHOST_NAMES_H
#define T3OPS_TESTHOST_NAMES_H

#define address_parse      testhost_address_parse
#define bytes_format       testhost_bytes_format
#define bytes_parse        testhost_bytes_parse
#define duration_format    testhost_duration_format
#define duration_parse     testhost_duration_parse
#define fetch_reason       testhost_fetch_reason
#define int_parse          testhost_int_parse
#define name_valid         testhost_name_valid
#define plugin_struct_give testhost_struct_give
#define plugin_struct_take testhost_struct_take
#define reason_label       testhost_reason_label
#define reason_side        testhost_reason_side
#define status_reason      testhost_status_reason
#define step_label         testhost_step_label
#define time_of_day_parse  testhost_time_of_day_parse

#endif

# SPDX-License-Identifier: MIT
# Flags are probed one by one: a compiler that lacks one builds without it.

# T3OPS_COMPILE_FLAGS(VARIABLE, FLAGS): appends each that the compiler takes, beside the caller's own CFLAGS,
# without a warning
AC_DEFUN([T3OPS_COMPILE_FLAGS],
[m4_foreach_w([t3ops_flag], [$2], [T3OPS_FLAG_CHECK([$1], m4_defn([t3ops_flag]), [CFLAGS], [AC_COMPILE_IFELSE])])])

# T3OPS_LINK_FLAGS(VARIABLE, FLAGS): the same of the linker
AC_DEFUN([T3OPS_LINK_FLAGS],
[m4_foreach_w([t3ops_flag], [$2], [T3OPS_FLAG_CHECK([$1], m4_defn([t3ops_flag]), [LDFLAGS], [AC_LINK_IFELSE])])])

# T3OPS_FORTIFY(VARIABLE): the highest level there is; none where nothing is optimized (libc warns then)
AC_DEFUN([T3OPS_FORTIFY],
[T3OPS_FLAG_CHECK([$1], [-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3], [CFLAGS], [AC_COMPILE_IFELSE])
AS_VAR_IF([t3ops_flag_taken], [no],
  [T3OPS_FLAG_CHECK([$1], [-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2], [CFLAGS], [AC_COMPILE_IFELSE])])])

# T3OPS_FLAG_CHECK(VARIABLE, FLAG, CFLAGS|LDFLAGS, IFELSE-MACRO)
AC_DEFUN([T3OPS_FLAG_CHECK],
[AS_VAR_PUSHDEF([cache], [t3ops_cv_flag_$2])dnl
AC_CACHE_CHECK([whether $CC takes $2], [cache],
  [t3ops_cflags=$CFLAGS t3ops_ldflags=$LDFLAGS
   CFLAGS="$CFLAGS -Werror"
   $3="$$3 $2"
   $4([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("x")]])],
     [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
   CFLAGS=$t3ops_cflags LDFLAGS=$t3ops_ldflags])
AS_VAR_COPY([t3ops_flag_taken], [cache])
AS_VAR_IF([t3ops_flag_taken], [yes], [$1="$$1 $2"])
AS_VAR_POPDEF([cache])])

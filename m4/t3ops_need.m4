# SPDX-License-Identifier: MIT
# What is missing is collected and said in one message, with the names of Debian's packages.

# T3OPS_MISSING(WHAT, PACKAGE, [REMARK])
AC_DEFUN([T3OPS_MISSING],
[t3ops_missing="$t3ops_missing
    $1: $2$3"
t3ops_packages="$t3ops_packages $2"])

# T3OPS_NEED_MODULE(VARIABLE-PREFIX, MODULE, PACKAGE): a library with a .pc file
AC_DEFUN([T3OPS_NEED_MODULE],
[PKG_CHECK_MODULES([$1], [$2], [], [T3OPS_MISSING([$2], [$3])])])

# T3OPS_NEED_LIBRARY(VARIABLE, HEADER, LIBRARY, FUNCTION, PACKAGE): one without
AC_DEFUN([T3OPS_NEED_LIBRARY],
[AC_CHECK_HEADER([$2],
  [AC_CHECK_LIB([$3], [$4], [AC_SUBST([$1], [-l$3])], [T3OPS_MISSING([lib$3], [$5])])],
  [T3OPS_MISSING([$2], [$5])])])

# T3OPS_NEEDS_MET: stops here if anything is missing
AC_DEFUN([T3OPS_NEEDS_MET],
[AS_IF([test -n "$t3ops_missing"], [AC_MSG_ERROR([these are missing (and the Debian packages that have them):$t3ops_missing
On Debian, scripts/install-packages build installs them all; by hand:
    apt-get install$t3ops_packages])])])

# T3OPS_ARG_SYSTEMD_DIR(VARIABLE, DIRECTORY UNDER PREFIX/lib, WHAT IT IS OF): --with-VARIABLE=DIR; no: not installed
AC_DEFUN([T3OPS_ARG_SYSTEMD_DIR],
[AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR], [systemd's directory for $3 @<:@PREFIX/lib/$2@:>@])],
  [$1=$withval], [$1=$with_systemd])
AS_CASE([$$1], [yes], [$1='${prefix}/lib/$2'], [no], [$1=no], [/* | '${'*], [],
  [AC_MSG_ERROR([--with-$1=$$1: this is not an absolute path])])
AC_SUBST([$1])
AM_CONDITIONAL(m4_toupper([WITH_$1]), [test "$$1" != no])])

# SPDX-License-Identifier: MIT
# T3OPS_KEEP_CORE
# ---------------
# configure and the tests in it clean up behind crashed test programs: `rm -f core`, in some macros `rm -rf core`.
# Our sources are in a directory of that name, so in the source directory the latter deletes them.  Every rm of a
# configure script, whichever macro of whichever version wrote it, finds this function first: it drops that one
# word.  Must come right after AC_INIT.
AC_DEFUN([T3OPS_KEEP_CORE],
[AC_BEFORE([$0], [AC_PROG_CC])dnl
rm ()
{
  for t3ops_arg
  do
    shift
    case $t3ops_arg in
    core | ./core | core/ | ./core/) ;;
    *) set x "$[@]" "$t3ops_arg"; shift ;;
    esac
  done
  command rm "$[@]"
}
])

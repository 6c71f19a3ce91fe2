/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tools/main.c gives to every subcommand, for a fuzz target that calls one
 * of them in its own process.
 */
#include "tools/tools.h"

struct xsr_tool xsr_tool;

int xsr_tool_usage(const char *fmt, ...)
{
    (void)fmt;
    return XENSR_USAGE;
}

bool xsr_tool_takes(int c)
{
    (void)c;
    return false;
}

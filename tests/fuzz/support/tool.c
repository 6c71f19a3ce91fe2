/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tools/check without the program around it: what tools/main.c gives to every
 * subcommand, and the call with its standard output caught.
 */
#include "tests/fuzz/support/tool.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/fd.h"
#include "tests/fuzz/support/fuzz.h"
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

static int call(int fd, char *option)
{
    char word[] = "check", name[64];
    char *argv[] = {word, option, name, NULL};

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return xsr_cmd_check(3, argv);
}

int tool_check(int fd)
{
    char records[] = "--records";

    xsr_tool.quiet = true;
    return call(fd, records);
}

int tool_check_json(int fd, json_t **doc_out)
{
    int out = fuzz_file(NULL, 0), before = dup(1), rc;
    struct xsr_buf said = XSR_BUF_INIT;
    char json[] = "--json";
    json_error_t why;

    fflush(stdout);
    need(before >= 0 && dup2(out, 1) == 1, "standard output");
    rc = call(fd, json);
    fflush(stdout);
    need(dup2(before, 1) == 1, "standard output");
    xsr_close(&before);
    fuzz_read_back(out, &said);
    xsr_close(&out);
    *doc_out = json_loadb((char *)said.p, said.len, 0, &why);
    need(*doc_out, "no JSON document: %s", why.text);
    json_object_del(*doc_out, "input");
    xsr_buf_fini(&said);
    return rc;
}

bool tool_found_good(const json_t *doc)
{
    return !json_integer_value(json_object_get(doc, "errors")) &&
           json_is_true(json_object_get(doc, "xensr_restore"));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tools/check and tools/inspect without the program around them: what
 * tools/main.c gives to every subcommand, and the call with its standard output
 * caught.
 */
#include "tests/fuzz/support/tool.h"

#include <fcntl.h>
#include <getopt.h>
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

typedef int command(int argc, char **argv);

static int call(command *run, const char *name, const char *const *words,
                int fd)
{
    char text[9][64], *argv[10];
    int n = 0;

    snprintf(text[n++], sizeof text[0], "%s", name);
    for (; *words; words++) {
        need(n < 8, "too many words");
        snprintf(text[n++], sizeof text[0], "%s", *words);
    }
    snprintf(text[n++], sizeof text[0], "/proc/self/fd/%d", fd);
    for (int i = 0; i < n; i++)
        argv[i] = text[i];
    argv[n] = NULL;
    optind = 1;
    return run(n, argv);
}

int tool_check(int fd)
{
    static const char *const words[] = {"--records", NULL};

    xsr_tool.quiet = true;
    return call(xsr_cmd_check, "check", words, fd);
}

/* Standard output becomes a document, standard error is dropped. */
static int call_for_json(command *run, const char *name,
                         const char *const *words, int fd, json_t **doc_out)
{
    int out = fuzz_file(NULL, 0), before[2] = {dup(1), dup(2)}, rc;
    static int nowhere = -1;
    struct xsr_buf said = XSR_BUF_INIT;
    json_error_t why;

    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    fflush(stdout);
    need(before[0] >= 0 && before[1] >= 0 && dup2(out, 1) == 1 &&
             dup2(nowhere, 2) == 2,
         "standard output");
    rc = call(run, name, words, fd);
    fflush(stdout);
    need(dup2(before[1], 2) == 2 && dup2(before[0], 1) == 1, "standard output");
    xsr_close(&before[0]);
    xsr_close(&before[1]);
    fuzz_read_back(out, &said);
    xsr_close(&out);
    *doc_out = json_loadb((char *)said.p, said.len, 0, &why);
    need(*doc_out, "no JSON document: %s", why.text);
    xsr_buf_fini(&said);
    return rc;
}

int tool_check_json(int fd, json_t **doc_out)
{
    static const char *const words[] = {"--json", NULL};
    int rc = call_for_json(xsr_cmd_check, "check", words, fd, doc_out);

    json_object_del(*doc_out, "input");
    return rc;
}

int tool_inspect_json(int fd, const char *const *words, json_t **doc_out)
{
    return call_for_json(xsr_cmd_inspect, "inspect", words, fd, doc_out);
}

bool tool_found_good(const json_t *doc)
{
    return !json_integer_value(json_object_get(doc, "errors")) &&
           json_is_true(json_object_get(doc, "xensr_restore"));
}

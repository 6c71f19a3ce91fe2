/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim fault`: hypercalls on a domain, or on every domain of the host,
 * that shall fail. KIND alone: from now on; KIND=N: only the N-th such call
 * from now; KIND=off, or just "off": no more. Without a kind: what is set.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stubs/tool/tool.h"
#include "stubs/world/fault.h"

static int unknown(const char *name)
{
    char list[256] = "";
    size_t n = 0;

    for (unsigned i = 0; i < XSR_N_FAULTS; i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
                              xsr_fault_name(i));
    return xsr_sim_usage("there is no fault \"%s\"; possible are %s", name,
                         list);
}

static int parse(char *text, int *kind_out, int32_t *n_out)
{
    char *value = strchr(text, '='), *end;
    unsigned long n;

    *n_out = XSR_FAULT_ALWAYS;
    if (value)
        *value++ = '\0';
    if (!value && strcmp(text, "off") == 0) {
        *kind_out = XSR_N_FAULTS;
        return XSR_SIM_OK;
    }
    *kind_out = xsr_fault_find(text);
    if (*kind_out < 0)
        return unknown(text);
    if (!value)
        return XSR_SIM_OK;
    if (strcmp(value, "off") == 0) {
        *n_out = 0;
        return XSR_SIM_OK;
    }
    errno = 0;
    n = strtoul(value, &end, 10);
    if (errno || end == value || *end || n < 1 || n > 1000000000)
        return xsr_sim_usage("%s=%s: a number from 1 to 1000000000 or \"off\" "
                             "is needed",
                             text, value);
    *n_out = (int32_t)n;
    return XSR_SIM_OK;
}

static int show(uint32_t domid)
{
    int32_t n;

    for (unsigned i = 0; i < XSR_N_FAULTS; i++) {
        if (xsr_fault_get(domid, i, &n) < 0)
            return xsr_sim_fail("there is no domain %" PRIu32, domid);
        if (n == XSR_FAULT_ALWAYS)
            printf("%s\n", xsr_fault_name(i));
        else if (n)
            printf("%s=%" PRId32 "\n", xsr_fault_name(i), n);
    }
    return fflush(stdout) ? xsr_sim_fail("cannot write to standard output")
                          : XSR_SIM_OK;
}

int xsr_sim_cmd_fault(int argc, char **argv)
{
    uint32_t domid = XSR_FAULT_HOST;
    int kind = XSR_N_FAULTS, rc = xsr_sim_words(argc, argv, 1, 16);
    int32_t n = 0;

    if (rc == XSR_SIM_OK && strcmp(argv[1], "host"))
        rc = xsr_sim_domid(argv[1], &domid);
    if (rc == XSR_SIM_OK && argc == 2)
        return show(domid);
    for (int i = 2; rc == XSR_SIM_OK && i < argc; i++) {
        rc = parse(argv[i], &kind, &n);
        if (rc == XSR_SIM_OK &&
            xsr_fault_set(domid, (enum xsr_fault)kind, n) < 0)
            rc = xsr_sim_fail("there is no domain %s", argv[1]);
    }
    return rc;
}

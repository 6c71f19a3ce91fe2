/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr destroy`, `unpause`, `rename`, `resume`: one call each on a domain
 * that is named or numbered. The last three put right what an interrupted save
 * or migration leaves; its message says which.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tools.h"

#define MAX_DOMID 0x7fefu /* above are the hypervisor's own numbers */

int xsr_domain_arg(struct xensr *x, const char *text, uint32_t *domid_out)
{
    unsigned long domid;
    size_t i;
    int rc;

    for (i = 0; isdigit((unsigned char)text[i]);)
        i++;
    if (text[i] || i == 0) {
        rc = xensr_find(x, text, domid_out);
        if (rc != XENSR_OK)
            fprintf(stderr, "xensr: error: %s\n", xensr_error(x));
        return rc;
    }
    errno = 0;
    domid = strtoul(text, NULL, 10);
    if (errno || domid == 0 || domid > MAX_DOMID)
        return xsr_tool_usage("\"%s\" is not the number of a domain (1 to %u)",
                              text, MAX_DOMID);
    *domid_out = (uint32_t)domid;
    return XENSR_OK;
}

/* argv[1] is the domain, what follows is the action's. */
static int act(char **argv, int (*action)(struct xensr *, uint32_t, char **))
{
    static const struct xensr_options options;
    uint32_t domid = 0;
    struct xensr *x;
    int rc;

    if (argv[1][0] == '-')
        return xsr_tool_usage("%s has no option \"%s\" (a domain of that name "
                              "is called by its number)",
                              argv[0], argv[1]);
    rc = xsr_tool_open(&options, &x);
    if (rc != XENSR_OK)
        return rc;
    rc = xsr_domain_arg(x, argv[1], &domid);
    if (rc == XENSR_OK) {
        rc = action(x, domid, argv + 2);
        if (rc != XENSR_OK)
            fprintf(stderr, "xensr: error: %s\n", xensr_error(x));
    }
    xensr_close(x);
    return rc;
}

static int destroy(struct xensr *x, uint32_t domid, char **argv)
{
    (void)argv;
    return xensr_destroy(x, domid);
}

static int unpause(struct xensr *x, uint32_t domid, char **argv)
{
    (void)argv;
    return xensr_unpause(x, domid);
}

static int rename_it(struct xensr *x, uint32_t domid, char **argv)
{
    return xensr_rename(x, domid, argv[0]);
}

static int resume(struct xensr *x, uint32_t domid, char **argv)
{
    (void)argv;
    return xensr_resume(x, domid);
}

int xsr_cmd_destroy(int argc, char **argv)
{
    if (argc != 2)
        return xsr_tool_usage("destroy takes one domain");
    return act(argv, destroy);
}

int xsr_cmd_unpause(int argc, char **argv)
{
    if (argc != 2)
        return xsr_tool_usage("unpause takes one domain");
    return act(argv, unpause);
}

int xsr_cmd_rename(int argc, char **argv)
{
    if (argc != 3)
        return xsr_tool_usage("rename takes a domain and its new name");
    return act(argv, rename_it);
}

int xsr_cmd_resume(int argc, char **argv)
{
    if (argc != 2)
        return xsr_tool_usage("resume takes one domain");
    return act(argv, resume);
}

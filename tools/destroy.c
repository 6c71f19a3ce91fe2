/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `xensr destroy DOMID`: a domain and everything that a restore made for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/tools.h"

#define MAX_DOMID 0x7fefu /* above are the hypervisor's own numbers */

int xsr_cmd_destroy(int argc, char **argv)
{
    static const struct xensr_options options;
    unsigned long domid;
    struct xensr *x;
    char *end;
    int rc;

    if (argc != 2)
        return xsr_tool_usage("destroy takes one domain number");
    errno = 0;
    domid = strtoul(argv[1], &end, 10);
    if (errno || end == argv[1] || *end || domid == 0 || domid > MAX_DOMID)
        return xsr_tool_usage("\"%s\" is not the number of a domain (1 to %u)",
                              argv[1], MAX_DOMID);
    rc = xsr_tool_open(&options, &x);
    if (rc != XENSR_OK)
        return rc;
    rc = xensr_destroy(x, (uint32_t)domid);
    if (rc != XENSR_OK)
        fprintf(stderr, "xensr: error: %s\n", xensr_error(x));
    xensr_close(x);
    return rc;
}

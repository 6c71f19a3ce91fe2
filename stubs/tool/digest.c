/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim digest`: hashes over what a save carries, by part. The same guest
 * in the same moment has the same digest on any host, so tests compare the
 * text. docs/simulated-guests.md says what is in it and what is not.
 */
#include <inttypes.h>
#include <stdio.h>

#include "stubs/guest/guest.h"
#include "stubs/tool/tool.h"

int xsr_sim_cmd_digest(int argc, char **argv)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_guest_digest g;
    char text[1024];
    uint32_t domid = 0;
    bool as_json;
    int rc;

    xsr_sim_flag(&argc, argv, "--json", &as_json);
    rc = xsr_sim_words(argc, argv, 1, 1);
    if (rc == XSR_SIM_OK)
        rc = xsr_sim_domid(argv[1], &domid);
    if (rc != XSR_SIM_OK)
        return rc;
    if (xsr_guest_digest(domid, &g, &err) < 0)
        return xsr_sim_fail("%s", err.text);
    xsr_guest_digest_json(&g, text, sizeof(text));
    if (as_json)
        fputs(text, stdout);
    else
        printf("%s %" PRIu64 " pages (%" PRIu64 " not zero, %" PRIu64
               " tables), %u vCPUs\nmemory %016" PRIx64 "  types %016" PRIx64
               "\nvcpus  %016" PRIx64 "  params %016" PRIx64
               "\npolicy %016" PRIx64 "  tsc %016" PRIx64 "\n",
               xsr_sim_type_name(g.type), g.n_pages, g.n_nonzero, g.n_tables,
               g.n_vcpus, g.memory, g.types, g.vcpus, g.params, g.policy,
               g.tsc);
    return fflush(stdout) ? xsr_sim_fail("cannot write to standard output")
                          : XSR_SIM_OK;
}

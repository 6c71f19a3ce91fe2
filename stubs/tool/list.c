/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim list`, and what other subcommands need to name a domain. Numbers
 * and states come from the hypervisor, names from xenstore.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stubs/tool/tool.h"

#define PAGES_PER_MIB 256

int xsr_sim_find_domain(uint32_t domid, struct xsr_hv_domain *out)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_hv_open(&err))
        return xsr_sim_fail("%s", err.text);
    if (xsr_hv_next_domain(domid, out) == 0 && out->domid == domid)
        return XSR_SIM_OK;
    return xsr_sim_fail("there is no domain %" PRIu32
                        " on this host (see xensr-sim list)",
                        domid);
}

const char *xsr_sim_type_name(enum xsr_hv_type type)
{
    static const char *const names[] = {
        [XSR_HV_PV] = "pv",
        [XSR_HV_PVH] = "pvh",
        [XSR_HV_HVM] = "hvm",
    };

    return names[type];
}

/* One word; a dead domain is more than paused, a shut down one likewise. */
const char *xsr_sim_state_name(const struct xsr_hv_domain *d)
{
    if (d->dying)
        return "dying";
    if (d->shutdown)
        return "shutdown";
    return d->paused ? "paused" : "running";
}

void xsr_sim_uuid(const struct xsr_hv_domain *d, char out[37])
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(d->uuid); i++)
        n += (size_t)snprintf(out + n, 37 - n, "%s%02x",
                              i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                              d->uuid[i]);
}

char *xsr_sim_domain_name(uint32_t domid)
{
    struct xsr_store *xs;
    char path[64], *name = NULL;

    if (xsr_store_open(&xs))
        return NULL;
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", domid);
    if (xsr_store_read(xs, 0, path, &name, NULL))
        name = NULL;
    xsr_store_close(xs);
    return name;
}

json_t *xsr_sim_domain_json(const struct xsr_hv_domain *d)
{
    char *name = xsr_sim_domain_name(d->domid), uuid[37];
    json_t *json;

    xsr_sim_uuid(d, uuid);
    json =
        json_pack("{s:I, s:s*, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "domid",
                  (json_int_t)d->domid, "name", name, "uuid", uuid, "type",
                  xsr_sim_type_name(d->type), "state", xsr_sim_state_name(d),
                  "memory_kb", (json_int_t)d->tot_pages * 4, "max_memory_kb",
                  (json_int_t)d->max_pages * 4, "vcpus", (json_int_t)d->n_vcpus,
                  "vcpus_online", (json_int_t)d->n_online);
    free(name);
    return json;
}

static void print_row(const struct xsr_hv_domain *d)
{
    char *name = xsr_sim_domain_name(d->domid), uuid[37];

    xsr_sim_uuid(d, uuid);
    printf("%5" PRIu32 "  %-20s %-4s %8" PRIu64 " %5" PRIu32 "  %-9s %s\n",
           d->domid, name ? name : "-", xsr_sim_type_name(d->type),
           d->tot_pages / PAGES_PER_MIB, d->n_online, xsr_sim_state_name(d),
           uuid);
    free(name);
}

int xsr_sim_cmd_list(int argc, char **argv)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_hv_domain d;
    json_t *list = NULL;
    uint32_t next = 0;
    bool as_json;
    int rc;

    xsr_sim_flag(&argc, argv, "--json", &as_json);
    rc = xsr_sim_words(argc, argv, 0, 0);
    if (rc)
        return rc;
    if (xsr_hv_open(&err))
        return xsr_sim_fail("%s", err.text);
    if (as_json)
        list = json_array();
    else
        puts("domid  name                 type      MiB vcpus  state     uuid");
    while (xsr_hv_next_domain(next, &d) == 0) {
        next = d.domid + 1;
        if (as_json)
            json_array_append_new(list, xsr_sim_domain_json(&d));
        else
            print_row(&d);
    }
    if (as_json)
        return xsr_sim_print_json(json_pack("{s:o}", "domains", list));
    return fflush(stdout) ? xsr_sim_fail("cannot write: %s", strerror(errno))
                          : XSR_SIM_OK;
}

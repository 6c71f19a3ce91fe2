/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim info`: one domain with its vCPUs, HVM parameters, event channels
 * and grant entries. Everything is collected into one JSON object; the text
 * for people is printed from that, so that the two cannot differ.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/guest.h"
#include "stubs/tool/tool.h"

static const char *shutdown_reason(uint32_t reason)
{
    static const char *const names[] = {"poweroff", "reboot",   "suspend",
                                        "crash",    "watchdog", "soft-reset"};

    return reason < XSR_ARRAY_LEN(names) ? names[reason] : "other";
}

static void set_int(json_t *o, const char *key, uint64_t value)
{
    json_object_set_new(o, key, json_integer((json_int_t)value));
}

static json_t *vcpus(const struct xsr_hv_domain *d)
{
    static struct xsr_hv_vcpu v; /* large */
    json_t *list = json_array();

    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        json_t *o;

        if (xsr_hv_vcpu_state(d->domid, i, &v))
            continue;
        o = json_object();
        set_int(o, "vcpu", i);
        json_object_set_new(o, "initialised", json_boolean(v.initialised));
        json_object_set_new(o, "online", json_boolean(v.online));
        if (d->type == XSR_HV_PV) {
            set_int(o, "root_mfn", v.root_mfn);
            set_int(o, "user_root_mfn", v.user_root_mfn);
            set_int(o, "xsave_bytes", v.xsave_len);
            set_int(o, "msrs", v.n_msrs);
        }
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *hvm_params(const struct xsr_hv_domain *d)
{
    uint64_t params[XSR_HV_N_PARAMS];
    json_t *o = json_object();
    char key[8];

    if (xsr_hv_params(d->domid, params))
        return o;
    for (unsigned i = 0; i < XSR_HV_N_PARAMS; i++) {
        if (!params[i])
            continue;
        snprintf(key, sizeof(key), "%u", i);
        set_int(o, key, params[i]);
    }
    return o;
}

static void add_guest(json_t *o, uint32_t domid)
{
    struct xsr_guest_state s;

    if (!xsr_guest_peek(domid, &s))
        return;
    json_object_set_new(o, "guest_suspended", json_boolean(s.suspended));
    set_int(o, "guest_running_ms", s.running_ns / 1000000);
    set_int(o, "guest_writes", s.n_dirtied);
    set_int(o, "guest_suspends", s.n_suspends);
    set_int(o, "guest_troubles", s.n_troubles);
}

static json_t *event_channels(uint32_t domid)
{
    static const char *const names[] = {"closed", "unbound", "interdomain",
                                        "pirq",   "virq",    "ipi"};
    json_t *list = json_array();
    struct xsr_hv_port p;

    for (uint32_t next = 0; xsr_hv_next_port(domid, next, &p) == 0;
         next = p.port + 1) {
        json_t *o = json_object();

        set_int(o, "port", p.port);
        json_object_set_new(o, "status",
                            json_string(p.status < XSR_ARRAY_LEN(names)
                                            ? names[p.status]
                                            : "unknown"));
        set_int(o, "remote_domid", p.remote_dom);
        set_int(o, "remote_port", p.remote_port);
        json_object_set_new(o, "pending", json_boolean(p.pending));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *grants(uint32_t domid)
{
    json_t *list = json_array();
    struct xsr_hv_grant g;

    for (uint32_t i = 0; xsr_hv_grant_entry(domid, i, &g) == 0; i++) {
        json_t *o;

        if (!g.flags)
            continue;
        o = json_object();
        set_int(o, "entry", i);
        set_int(o, "flags", g.flags);
        set_int(o, "domid", g.domid);
        set_int(o, "frame", g.frame);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *tsc(const struct xsr_hv_domain *d)
{
    json_t *o = json_object();

    set_int(o, "mode", d->tsc_mode);
    set_int(o, "khz", d->tsc_khz);
    set_int(o, "incarnation", d->tsc_incarnation);
    return o;
}

static json_t *collect(const struct xsr_hv_domain *d)
{
    json_t *o = xsr_sim_domain_json(d);

    if (!o)
        return NULL;
    if (d->shutdown)
        json_object_set_new(o, "shutdown_reason",
                            json_string(shutdown_reason(d->shutdown_reason)));
    set_int(o, "pause_count", d->pause_count);
    json_object_set_new(o, "log_dirty", json_boolean(d->logdirty));
    json_object_set_new(o, "introduced",
                        json_boolean(xsr_store_introduced(NULL, d->domid)));
    set_int(o, "pages", d->tot_pages);
    set_int(o, "max_pages", d->max_pages);
    set_int(o, "max_gfn", d->max_gfn);
    set_int(o, "max_vcpus", d->max_vcpus);
    set_int(o, "cpuid_leaves", d->n_cpuid_leaves);
    set_int(o, "cpu_msrs", d->n_msrs);
    if (d->type == XSR_HV_PV) {
        set_int(o, "shared_info_mfn", d->shared_info_mfn);
    } else {
        set_int(o, "paging_pool_bytes", d->paging_bytes);
        set_int(o, "hvm_context_bytes", d->hvm_context_len);
        json_object_set_new(o, "hvm_params", hvm_params(d));
    }
    add_guest(o, d->domid);
    json_object_set_new(o, "tsc", tsc(d));
    json_object_set_new(o, "vcpu_state", vcpus(d));
    json_object_set_new(o, "event_channels", event_channels(d->domid));
    set_int(o, "grant_frames", d->n_grant_frames);
    json_object_set_new(o, "grants", grants(d->domid));
    return o;
}

/* ---- for people ---------------------------------------------------------- */

static void print_scalar(const json_t *v)
{
    if (json_is_string(v))
        fputs(json_string_value(v), stdout);
    else if (json_is_integer(v))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else
        fputs(json_is_true(v) ? "yes" : "no", stdout);
}

/* "key value  key value" */
static void print_pairs(json_t *o)
{
    const char *key, *gap = "";
    json_t *v;

    json_object_foreach(o, key, v)
    {
        printf("%s%s ", gap, key);
        print_scalar(v);
        gap = "  ";
    }
    putchar('\n');
}

static void print_text(json_t *o)
{
    const char *key;
    json_t *v, *item;
    size_t i;

    json_object_foreach(o, key, v)
    {
        if (json_is_array(v)) {
            printf("%s:%s\n", key, json_array_size(v) ? "" : " none");
            json_array_foreach(v, i, item)
            {
                fputs("    ", stdout);
                print_pairs(item);
            }
        } else {
            printf("%-20s ", key);
            if (json_is_object(v)) {
                print_pairs(v);
            } else {
                print_scalar(v);
                putchar('\n');
            }
        }
    }
}

int xsr_sim_cmd_info(int argc, char **argv)
{
    struct xsr_hv_domain d;
    uint32_t domid;
    json_t *o;
    bool as_json;
    int rc;

    xsr_sim_flag(&argc, argv, "--json", &as_json);
    rc = xsr_sim_words(argc, argv, 1, 1);
    if (!rc)
        rc = xsr_sim_domid(argv[1], &domid);
    if (!rc)
        rc = xsr_sim_find_domain(domid, &d);
    if (rc)
        return rc;
    o = collect(&d);
    if (!o)
        return xsr_sim_fail("no memory for the report");
    if (as_json)
        return xsr_sim_print_json(o);
    print_text(o);
    json_decref(o);
    return fflush(stdout) ? xsr_sim_fail("cannot write to standard output")
                          : XSR_SIM_OK;
}

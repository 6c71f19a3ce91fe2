/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim guest`: what a simulated guest itself says: is its memory what it
 * wrote, are its frames and registers what it left, what has it done so far.
 * Exit status 1 if anything is wrong.
 */
#include <inttypes.h>
#include <stdio.h>

#include "stubs/guest/guest.h"
#include "stubs/tool/tool.h"

static json_t *as_json_object(const struct xsr_guest_state *s, bool good)
{
    return json_pack(
        "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, "
        "s:I, s:s}",
        "good", good, "seed", (json_int_t)s->seed, "running_ms",
        (json_int_t)(s->running_ns / 1000000), "pages", (json_int_t)s->n_pages,
        "zero_pages", (json_int_t)s->n_zero, "bad_pages", (json_int_t)s->n_bad,
        "first_bad_pfn", (json_int_t)s->first_bad_pfn, "writes",
        (json_int_t)s->n_dirtied, "suspends", (json_int_t)s->n_suspends,
        "resumes", (json_int_t)s->n_resumes, "restores",
        (json_int_t)s->n_restores, "suspended", s->suspended, "forced_suspends",
        (json_int_t)s->n_forced, "table_rewrites", (json_int_t)s->n_churned,
        "trouble", s->trouble);
}

static void print_text(const struct xsr_guest_state *s)
{
    printf("%s: %" PRIu64 " pages (%" PRIu64 " zero), %" PRIu64 " wrong",
           s->n_bad || s->n_troubles ? "BAD" : "good", s->n_pages, s->n_zero,
           s->n_bad);
    if (s->n_bad)
        printf(", the first is page %#" PRIx64, s->first_bad_pfn);
    printf("\nran %.3f s, wrote %" PRIu64 " pages, rewrote %" PRIu64
           " page table entries\n"
           "suspended %u times (%u by force), resumed %u times, arrived in a "
           "new domain %u times%s\n",
           (double)s->running_ns / 1e9, s->n_dirtied, s->n_churned,
           s->n_suspends, s->n_forced, s->n_resumes, s->n_restores,
           s->suspended ? "; it is suspended" : "");
    if (s->n_troubles)
        printf("%u troubles, the first: %s\n", s->n_troubles, s->trouble);
}

int xsr_sim_cmd_guest(int argc, char **argv)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_guest_state s;
    uint32_t domid = 0;
    bool as_json, good;
    int rc;

    xsr_sim_flag(&argc, argv, "--json", &as_json);
    rc = xsr_sim_words(argc, argv, 1, 1);
    if (rc == XSR_SIM_OK)
        rc = xsr_sim_domid(argv[1], &domid);
    if (rc != XSR_SIM_OK)
        return rc;
    if (xsr_guest_verify(domid, &s, &err) < 0)
        return xsr_sim_fail("%s", err.text);
    good = s.n_bad == 0 && s.n_troubles == 0;
    if (as_json)
        rc = xsr_sim_print_json(as_json_object(&s, good));
    else
        print_text(&s);
    if (fflush(stdout))
        rc = xsr_sim_fail("cannot write to standard output");
    return rc == XSR_SIM_OK && !good ? XSR_SIM_FAILED : rc;
}

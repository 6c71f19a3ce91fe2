/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For programs that let saves and restores fail many times over: what the
 * simulated host is like before and after, and the judgement that a guest is
 * as if nobody had touched it. The host's insides come from the library that
 * the loader has found anyway.
 */
#ifndef XSR_TESTS_FAKE_BAD_WORLD_H
#define XSR_TESTS_FAKE_BAD_WORLD_H

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "stubs/guest/guest.h"

struct world {
    xc_interface *xch;
    uint32_t domid; /* the guest */
    struct xsr_hv_domain before;
    uint64_t free_pages, n_dirtied;
    uint32_t n_domains;
    __typeof__(xsr_hv_next_domain) *next_domain;
    __typeof__(xsr_hv_host_info) *host_info;
    __typeof__(xsr_guest_verify) *verify;
};

static int die(const char *what)
{
    printf("fail %s: %s\n", what, strerror(errno));
    exit(1);
}

/* 0, and why not. */
static int bad(char why[256], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int bad(char why[256], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, 256, fmt, ap);
    va_end(ap);
    return -1;
}

static void nap_ms(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&ts, NULL);
}

static void find(void *lib, const char *name, void *out)
{
    *(void **)out = dlsym(lib, name);
    if (!*(void **)out)
        die(name);
}

static uint32_t count_domains(const struct world *w)
{
    struct xsr_hv_domain d;
    uint32_t n = 0, next = 1;

    for (; w->next_domain(next, &d) == 0; next = d.domid + 1)
        n++;
    return n;
}

static void world_open(struct world *w, uint32_t domid)
{
    void *lib = dlopen("libxensrsim.so", RTLD_NOW);
    struct xsr_hv_host_info host;

    if (!lib)
        die("run it with xensr sim run");
    find(lib, "xsr_hv_next_domain", &w->next_domain);
    find(lib, "xsr_hv_host_info", &w->host_info);
    find(lib, "xsr_guest_verify", &w->verify);
    w->xch = xc_interface_open(NULL, NULL, 0);
    w->domid = domid;
    if (!w->xch || w->next_domain(domid, &w->before) || w->host_info(&host))
        die("the guest");
    w->free_pages = host.free_pages;
    w->n_domains = count_domains(w);
}

/* Is it suspended? */
static bool guest_suspended(const struct world *w)
{
    struct xsr_hv_domain d;

    return w->next_domain(w->domid, &d) == 0 && d.domid == w->domid &&
           d.shutdown && d.shutdown_reason == SHUTDOWN_suspend;
}

static bool guest_logdirty(const struct world *w)
{
    struct xsr_hv_domain d;

    return w->next_domain(w->domid, &d) == 0 && d.domid == w->domid &&
           d.logdirty;
}

/* It runs, is whole, still writes; nothing of the attempt is left in Xen. */
static int judge_guest(struct world *w, char why[256])
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_hv_host_info host;
    struct xsr_guest_state s;
    struct xsr_hv_domain d;

    if (w->next_domain(w->domid, &d) || d.domid != w->domid)
        return bad(why, "the guest is gone");
    if (guest_logdirty(w))
        return bad(why, "log-dirty mode is left on");
    if (d.paused || d.shutdown || d.dying)
        return bad(why, "the guest does not run (paused %d, shut down %d)",
                   d.paused, d.shutdown);
    if (d.n_evtchns != w->before.n_evtchns)
        return bad(why, "the guest has %u event channels, it had %u",
                   d.n_evtchns, w->before.n_evtchns);
    if (w->verify(w->domid, &s, &err) < 0)
        return bad(why, "%s", err.text);
    if (s.n_bad || s.n_troubles)
        return bad(why, "the guest is damaged: %lu pages, %u troubles: %s",
                   (unsigned long)s.n_bad, s.n_troubles, s.trouble);
    if (s.n_dirtied <= w->n_dirtied)
        return bad(why, "the guest does not write any more");
    w->n_dirtied = s.n_dirtied;
    if (w->host_info(&host) || host.free_pages != w->free_pages)
        return bad(why, "%lu pages of the host are free, it were %lu",
                   (unsigned long)host.free_pages,
                   (unsigned long)w->free_pages);
    if (count_domains(w) != w->n_domains)
        return bad(why, "there are %u domains, it were %u", count_domains(w),
                   w->n_domains);
    return 0;
}

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Suspending and the verdict afterwards. main.c calls xg_suspend when it was
 * asked; the platform puts its structures right, registers.S makes the call
 * with patterns in the registers, and whoever comes back, in this domain or in
 * another, finds ports, time and xenstore again and looks at everything.
 */
#include "xg.h"

#include <xen/sched.h>

#include "hypercall.h"

#define MAX_REPORTS 4u

/* In the order of registers.S: rbx, rbp, r12-r15, xmm0-xmm15. */
struct xg_carried {
    uint64_t words[6 + 32];
};

long xg_carry(struct xg_carried *c, void *arg, unsigned long frame);

uint32_t xg_n_suspends, xg_n_damaged;

static bool report(void)
{
    return xg_n_damaged++ < MAX_REPORTS;
}

void xg_damaged_page(unsigned long pfn, unsigned at, uint64_t found,
                     uint64_t expected)
{
    if (report())
        xg_say(XG_WAIT,
               "DAMAGED n=%u pfn=0x%lx at=%u found=0x%lx expected=0x%lx",
               xg_n_suspends, pfn, at, found, expected);
}

void xg_damaged(const char *what, uint64_t found, uint64_t expected)
{
    if (report())
        xg_say(XG_WAIT, "DAMAGED n=%u what=%s found=0x%lx expected=0x%lx",
               xg_n_suspends, what, found, expected);
}

/* The first words are what memory.c knows, so a register vouches for that. */
static uint64_t pattern(unsigned i)
{
    if (i == 0)
        return xg_memory_digest();
    if (i == 1)
        return xg_memory_writes();
    return xg_mix(xg_options.seed * 64 + i) + xg_n_suspends;
}

static void check_carried(const struct xg_carried *c)
{
    for (unsigned i = 0; i < 6; i++)
        if (c->words[i] != pattern(i))
            xg_damaged("register", c->words[i], pattern(i));
    for (unsigned i = 6; i < 6 + 32; i++)
        if (c->words[i] != pattern(i))
            xg_damaged("xmm", c->words[i], pattern(i));
}

static void look_at_everything(void)
{
    uint32_t before = xg_n_damaged;

    xg_trap_check();
    xg_platform->check();
    xg_memory_check_all();
    if (xg_n_damaged == before && before == 0)
        xg_say(XG_WAIT, "intact n=%u pages=%lu rounds=%lu", xg_n_suspends,
               xg_n_pages(), xg_memory_writes());
    else
        xg_say(XG_WAIT, "DAMAGED n=%u total=%u", xg_n_suspends,
               xg_n_damaged - before);
}

void xg_suspend(void)
{
    static struct xg_carried carried;
    struct sched_shutdown how = {.reason = SHUTDOWN_suspend};
    unsigned long frame;
    long rc;

    xg_n_suspends++;
    if (xg_n_suspends == 1 && xg_options.damage >= 0)
        xg_memory_spoil((unsigned long)xg_options.damage);
    xg_say(XG_WAIT, "suspend n=%u", xg_n_suspends);
    xg_console_drain();
    for (unsigned i = 0; i < sizeof(carried.words) / 8; i++)
        carried.words[i] = pattern(i);
    xg_time_stops();
    frame = xg_platform->before_suspend();
    rc = xg_carry(&carried, &how, frame);
    if (rc < 0)
        xg_panic("the suspend call failed", (uint64_t)-rc);

    xg_platform->after_suspend(rc == 1);
    xg_time_goes_on();
    xg_platform->find_ports();
    if (rc == 0) {
        xg_ports.suspend = 0;
        xg_store_connect(true);
    }
    xg_take_event(xg_ports.suspend);
    xg_say(XG_WAIT, "resumed n=%u cancelled=%u", xg_n_suspends, (uint32_t)rc);
    check_carried(&carried);
    look_at_everything();
}

void xg_arrived(void)
{
    xg_n_suspends++;
    xg_platform->before_suspend();
    xg_platform->after_suspend(false);
    xg_time_goes_on();
    xg_platform->find_ports();
    xg_ports.here = xg_port_alloc(DOMID_SELF);
    xg_store_connect(true);
    xg_say(XG_WAIT, "resumed n=%u cancelled=0", xg_n_suspends);
    look_at_everything();
}

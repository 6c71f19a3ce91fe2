/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test guest: a domain that can say whether it is still what it was. After
 * start.S: find out what kind of guest this is, fill the memory, then rewrite
 * pages at the chosen rate, answer the toolstack, and once a second look at
 * part of the memory and say so. suspend.c does what happens around a suspend.
 */
#include "xg.h"

#include <xen/event_channel.h>
#include <xen/sched.h>

#include "hypercall.h"

#define TICK (10 * XG_MS)

void xg_main(bool pv, unsigned long start_info, unsigned long stack_end);

const struct xg_platform *xg_platform;
struct shared_info *xg_shared;

_Noreturn static void end(enum xg_request request)
{
    static const struct {
        const char *name;
        unsigned reason;
    } ends[] = {[XG_POWEROFF] = {"poweroff", SHUTDOWN_poweroff},
                [XG_REBOOT] = {"reboot", SHUTDOWN_reboot},
                [XG_HALT] = {"halt", SHUTDOWN_poweroff}};
    struct sched_shutdown how = {.reason = ends[request].reason};

    xg_say(XG_WAIT, "bye reason=%s", ends[request].name);
    xg_console_drain();
    for (;;)
        xg_call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &how);
}

static void answer(void)
{
    enum xg_request request = XG_NOTHING;

    if (xg_take_event(xg_ports.suspend))
        request = XG_SUSPEND;
    xg_take_event(xg_ports.store);
    if (request == XG_NOTHING && xg_store_fired())
        request = xg_store_request();
    if (request == XG_SUSPEND)
        xg_suspend();
    else if (request != XG_NOTHING)
        end(request);
}

static void say_alive(uint64_t now)
{
    xg_memory_check_some();
    xg_say(XG_DROP, "%s t=%lu rounds=%lu", xg_n_damaged ? "damaged" : "alive",
           now / XG_SECOND, xg_memory_writes());
}

/* Pages that are due; what a slow host cannot do in time is not made up for. */
static void write_due(uint64_t now, uint64_t *last)
{
    uint64_t passed = now - *last, due;

    if (!xg_options.rate) {
        *last = now;
        return;
    }
    if (passed > XG_SECOND / 2) {
        passed = XG_SECOND / 2;
        *last = now - passed;
    }
    due = passed * xg_options.rate / XG_SECOND;
    xg_memory_write(due);
    *last += due * XG_SECOND / xg_options.rate;
}

static void run(void)
{
    uint64_t last = xg_now(), next_word = last + XG_SECOND, now;

    for (;;) {
        if (xg_moved())
            xg_arrived();
        answer();
        now = xg_now();
        write_due(now, &last);
        if (now >= next_word) {
            say_alive(now);
            next_word = now + XG_SECOND;
        }
        xg_time_stops();
        xg_wait(xg_options.rate ? now + TICK : next_word);
    }
}

void xg_main(bool pv, unsigned long start_info, unsigned long stack_end)
{
    const char *line, *word;

    if (pv)
        line = xg_pv_start((void *)start_info, stack_end);
    else
        line = xg_hvm_start(start_info);
    xg_trap_init(pv);
    xg_time_goes_on();
    word = xg_options_read(line);
    xg_platform->find_ports();
    if (word) {
        xg_say(XG_WAIT, "option not understood: %s", word);
        xg_console_drain();
        xg_panic("option not understood", 0);
    }
    xg_say(XG_WAIT, "up type=%s pages=%lu seed=%lu", xg_platform->name,
           xg_n_pages(), xg_options.seed);
    xg_memory_fill();
    xg_memory_check_all();
    if (xg_options.suspend == XG_NOT_AT_ALL)
        xg_ports.here = xg_port_alloc(DOMID_SELF);
    xg_store_connect(false);
    xg_say(XG_WAIT, "ready");
    run();
}

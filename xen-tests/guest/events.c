/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Event channels and time. The guest takes no interrupts: all channels stay
 * masked, it waits in a poll and looks at the pending bits itself. Its time is
 * Xen's, less what passed while it was suspended, and goes on from the old
 * value on a host whose clock shows something else.
 */
#include "xg.h"

#include <xen/event_channel.h>
#include <xen/sched.h>

#include "hypercall.h"

struct xg_ports xg_ports;

static uint64_t base;    /* system time minus the guest's own */
static uint64_t stopped; /* the guest's own, at the last suspend */

void xg_notify(uint32_t port)
{
    struct evtchn_send send = {.port = port};

    if (port)
        xg_call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

bool xg_take_event(uint32_t port)
{
    unsigned long *word = &xg_shared->evtchn_pending[port / 64];
    unsigned long bit = 1ul << port % 64;

    if (!port)
        return false;
    return __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit;
}

static uint64_t system_time(void)
{
    volatile struct vcpu_time_info *t = &xg_shared->vcpu_info[0].time;
    uint64_t delta, time;
    uint32_t version;

    do {
        version = t->version & ~1u;
        xg_barrier();
        delta = xg_rdtsc() - t->tsc_timestamp;
        if (t->tsc_shift >= 0)
            delta <<= t->tsc_shift;
        else
            delta >>= -t->tsc_shift;
        time =
            t->system_time +
            (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
        xg_barrier();
    } while (t->version != version);
    return time;
}

uint64_t xg_now(void)
{
    return system_time() - base;
}

void xg_time_stops(void)
{
    stopped = xg_now();
}

void xg_time_goes_on(void)
{
    base = system_time() - stopped;
}

void xg_wait(uint64_t deadline)
{
    const uint32_t candidates[] = {xg_ports.console, xg_ports.store,
                                   xg_ports.suspend};
    evtchn_port_t ports[3];
    struct sched_poll poll = {.timeout = deadline + base};

    /* A console event says only that there is room; who needs it looks. */
    xg_take_event(xg_ports.console);
    for (unsigned i = 0; i < 3; i++)
        if (candidates[i])
            ports[poll.nr_ports++] = candidates[i];
    set_xen_guest_handle(poll.ports, ports);
    if (xg_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll))
        xg_call(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

uint32_t xg_port_alloc(domid_t remote)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF,
                                         .remote_dom = remote};

    if (xg_call(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc))
        return 0;
    return alloc.port;
}

void xg_port_close(uint32_t port)
{
    struct evtchn_close end = {.port = port};

    if (port)
        xg_call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &end);
}

/*
 * A guest that is suspended without being asked is not told when it goes on,
 * either. But a port that it made for itself does not travel.
 */
bool xg_moved(void)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = xg_ports.here};

    if (!xg_ports.here)
        return false;
    return xg_call(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status) ||
           status.status != EVTCHNSTAT_unbound || status.u.unbound.dom == 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a toolstack's suspend callback does, in its simplest form, for tests
 * of the save helper alone:
 *
 *   simdom suspend DOMID    ask through control/shutdown and wait until the
 *                           domain is down for that reason
 *   simdom resume DOMID     let it run on as after a cancelled suspend
 *   simdom reboot DOMID     it stops for another reason than it was asked for;
 *   simdom crash DOMID      the toolstack's word for both is "suspended"
 *   simdom logdirty DOMID   switch log-dirty mode on, by somebody else
 *   simdom create MIB       an empty PV domain to be restored into; prints its
 *                           number and its ports of xenstore and console
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenguest.h>
#include <xenstore.h>

static int is_suspended(xc_interface *xch, uint32_t domid)
{
    xc_domaininfo_t info;

    return xc_domain_getinfolist(xch, domid, 1, &info) == 1 &&
           info.domain == domid && (info.flags & XEN_DOMINF_shutdown) &&
           (info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) ==
               SHUTDOWN_suspend;
}

static int suspend(xc_interface *xch, uint32_t domid)
{
    struct xs_handle *xs = xs_open(0);
    char path[64];
    int i;

    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    if (!xs || !xs_write(xs, 0, path, "suspend", 7))
        return 1;
    for (i = 0; i < 500 && !is_suspended(xch, domid); i++)
        usleep(10000);
    xs_close(xs);
    return !is_suspended(xch, domid);
}

static int create(xc_interface *xch, uint64_t mib)
{
    struct xen_domctl_createdomain d = {
        .max_vcpus = 4,
        .max_evtchn_port = 1023,
        .max_grant_frames = 32,
        .max_maptrack_frames = 32,
        .grant_opts = 2,
    };
    uint32_t domid = 0;
    int store, console;

    if (xc_domain_create(xch, &domid, &d) < 0 ||
        xc_domain_max_vcpus(xch, domid, 4) < 0 ||
        xc_domain_setmaxmem(xch, domid, mib * 1024 + 1024) < 0)
        return 1;
    store = xc_evtchn_alloc_unbound(xch, domid, 0);
    console = xc_evtchn_alloc_unbound(xch, domid, 0);
    printf("%u %d %d\n", domid, store, console);
    return store < 0 || console < 0;
}

static int run(xc_interface *xch, const char *verb, uint32_t domid)
{
    if (strcmp(verb, "create") == 0)
        return create(xch, domid);
    if (strcmp(verb, "suspend") == 0)
        return suspend(xch, domid);
    if (strcmp(verb, "reboot") == 0)
        return xc_domain_shutdown(xch, domid, SHUTDOWN_reboot) != 0;
    if (strcmp(verb, "crash") == 0)
        return xc_domain_shutdown(xch, domid, SHUTDOWN_crash) != 0;
    if (strcmp(verb, "resume") == 0)
        return xc_domain_resume(xch, domid, 1) != 0;
    if (strcmp(verb, "logdirty") == 0)
        return xc_shadow_control(xch, domid,
                                 XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL,
                                 0) != 0;
    return 2;
}

int main(int argc, char **argv)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    int status = 2;

    if (xch && argc == 3)
        status = run(xch, argv[1], (uint32_t)strtoul(argv[2], NULL, 10));
    xc_interface_close(xch);
    return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What only libxl can do for a domain that libxl has made: taking its devices
 * away. Backends are told to let go, hotplug scripts free loop devices, locks
 * and bridge ports, PCI devices are reset. So `xl destroy` does that, before
 * plugin/destroy.c, which calls this, removes whatever is left.
 */
#include "plugin/via_xl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/proc.h"
#include "lib/util.h"
#include "plugin/context.h"
#include "plugin/host/host.h"

/* libxl gives each backend and script 10 s, one after the other. */
#define DESTROY_MS (5u * 60 * 1000)

/* A console needs no taking away, and a bare domain has nothing else. */
static bool has_devices(struct xsr_xs *xs, uint32_t domid)
{
    xsr_auto_free char **kinds = NULL;
    struct xsr_err unknown = XSR_ERR_INIT;
    char path[XSR_XS_PATH];
    unsigned i, n;

    snprintf(path, sizeof(path), "/libxl/%u/device", domid);
    if (xsr_xs_list(xs, path, &kinds, &n, &unknown) < 0)
        return false;
    for (i = 0; i < n; i++)
        if (strcmp(kinds[i], "console") != 0)
            return true;
    return false;
}

/* The PATH of a cron job or a service may lack the folder. */
static int start_xl(const char *domid, int null, struct xsr_child *child,
                    struct xsr_err *err)
{
    static const char *const places[] = {"xl", "/usr/sbin/xl",
                                         "/usr/local/sbin/xl"};
    const char *argv[] = {"xl", "destroy", domid, NULL};
    /* standard output may be the image's */
    const struct xsr_spawn_fd fds[] = {{null, 0}, {STDERR_FILENO, 1}};
    struct xsr_spawn sp = {
        .argv = argv, .fds = fds, .n_fds = XSR_ARRAY_LEN(fds)};
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(places); i++) {
        sp.path = places[i];
        if (xsr_spawn(&sp, child, err) == 0)
            return 0;
    }
    return -1;
}

static void wait_patiently(const struct xsr_child *child)
{
    struct pollfd pfd = {child->watch_fd, POLLIN, 0};
    uint64_t end = xsr_now_ms() + DESTROY_MS, now;

    do
        now = xsr_now_ms();
    while (now < end && poll(&pfd, 1, (int)(end - now)) < 0 && errno == EINTR);
}

static int run_xl(uint32_t domid, struct xsr_err *err)
{
    xsr_auto_close int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct xsr_child child = XSR_CHILD_INIT;
    char number[16], how[80];
    struct pollfd ended;
    int status = 0;

    snprintf(number, sizeof(number), "%u", domid);
    if (null < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open /dev/null");
    if (start_xl(number, null, &child, err) < 0)
        return -1;
    wait_patiently(&child);
    ended = (struct pollfd){child.watch_fd, POLLIN, 0};
    if (poll(&ended, 1, 0) <= 0) {
        xsr_child_fini(&child);
        return xsr_fail(err, XSR_E_TIMEOUT,
                        "\"xl destroy %s\" did not end within %u s", number,
                        DESTROY_MS / 1000);
    }
    if (xsr_child_wait(&child, &status, err) < 0)
        return -1;
    if (status != 0)
        return xsr_fail(err, XSR_E_PEER, "\"xl destroy %s\" %s", number,
                        xsr_status_str(status, how, sizeof(how)));
    return 0;
}

void xsr_via_xl_destroy(struct xensr *x, struct xsr_xs *xs, uint32_t domid)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (!has_devices(xs, domid))
        return;
    xsr_log(&x->log, XSR_LOG_DEBUG,
            "domain %u has devices of libxl's: xl destroys it", domid);
    if (run_xl(domid, &err) < 0)
        xsr_log(&x->log, XSR_LOG_WARN,
                "domain %u is destroyed without libxl: %s; what its hotplug "
                "scripts set up for its disks and networks (loop devices, "
                "firewall rules, ...) may be left",
                domid, err.text);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxenevtchn.so.1 of the simulated host: event channels of domain 0. The
 * ports live in the hypervisor's state (stubs/hv/hv.h); a handle only knows
 * which of them it bound and which are masked because their event was read.
 *
 * The fd is an epoll over an eventfd (this handle has something to look at)
 * and inotify on the file "evtchn" in the host's folder, to which everyone
 * who raises an event writes. It may become readable for nothing; reading
 * then blocks or fails with EAGAIN, as O_NONBLOCK on the fd says.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "lib/fd.h"
#include "stubs/hv/hv.h"
#include "stubs/libs/enosys.h"

#define WAKE_FILE "evtchn"

struct port {
    uint32_t number;
    bool masked;
};

struct xenevtchn_handle {
    int poll_fd, event_fd, file_fd;
    struct port *ports;
    size_t n_ports, next; /* next: where to look first, to be fair */
    bool restricted;
    domid_t only;
};

#pragma GCC visibility push(default)

/* ---- waking ---------------------------------------------------------------*/

static int wake_file(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    int fd = xsr_sim_open(WAKE_FILE, O_WRONLY | O_CREAT, &err);

    if (fd < 0)
        errno = err.sys ? err.sys : EIO;
    return fd;
}

static void wake_others(void)
{
    int fd = wake_file(), keep = errno;

    if (fd >= 0 && pwrite(fd, "", 1, 0) != 1)
        xsr_sim_log("event channels: nobody could be woken (errno %d)", errno);
    xsr_close(&fd);
    errno = keep;
}

static void wake_self(xenevtchn_handle *h)
{
    uint64_t one = 1;

    if (write(h->event_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
        xsr_sim_log("event channels: lost a wakeup (errno %d)", errno);
}

static int watch_file(xenevtchn_handle *h)
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *dir = xsr_sim_dir(&err);
    char path[4096];
    int fd = wake_file();

    if (fd < 0 || !dir)
        return -1;
    xsr_close(&fd);
    snprintf(path, sizeof(path), "%s/" WAKE_FILE, dir);
    return inotify_add_watch(h->file_fd, path, IN_MODIFY) < 0 ? -1 : 0;
}

/* ---- handles --------------------------------------------------------------*/

static void handle_free(xenevtchn_handle *h)
{
    xsr_close(&h->poll_fd);
    xsr_close(&h->event_fd);
    xsr_close(&h->file_fd);
    free(h->ports);
    free(h);
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger,
                                 unsigned int flags)
{
    struct epoll_event in = {.events = EPOLLIN};
    xenevtchn_handle *h = calloc(1, sizeof(*h));

    (void)logger;
    if (!h)
        return NULL;
    h->poll_fd =
        epoll_create1(flags & XENEVTCHN_NO_CLOEXEC ? 0 : EPOLL_CLOEXEC);
    h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    h->file_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (h->poll_fd < 0 || h->event_fd < 0 || h->file_fd < 0 ||
        epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, h->event_fd, &in) ||
        epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, h->file_fd, &in) ||
        watch_file(h)) {
        int keep = errno;

        handle_free(h);
        errno = keep;
        return NULL;
    }
    return h;
}

XSR_ENOSYS_PTR(xenevtchn_fdopen)

int xenevtchn_close(xenevtchn_handle *h)
{
    if (!h)
        return 0;
    for (size_t i = 0; i < h->n_ports; i++)
        xsr_hv_evtchn_close(h->ports[i].number);
    handle_free(h);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *h)
{
    return h->poll_fd;
}

int xenevtchn_restrict(xenevtchn_handle *h, domid_t domid)
{
    if (h->restricted && h->only != domid) {
        errno = EACCES;
        return -1;
    }
    h->restricted = true;
    h->only = domid;
    return 0;
}

/* ---- ports ----------------------------------------------------------------*/

static int failed(int rc)
{
    errno = -rc;
    return -1;
}

static struct port *find(xenevtchn_handle *h, uint32_t number)
{
    for (size_t i = 0; i < h->n_ports; i++)
        if (h->ports[i].number == number)
            return &h->ports[i];
    errno = ENOTCONN; /* as the kernel's driver */
    return NULL;
}

/* A port that was just bound becomes the handle's; there may be an event. */
static int add(xenevtchn_handle *h, int rc)
{
    struct port *p;

    if (rc < 0)
        return failed(rc);
    p = realloc(h->ports, (h->n_ports + 1) * sizeof(*p));
    if (!p) {
        xsr_hv_evtchn_close((uint32_t)rc);
        errno = ENOMEM;
        return -1;
    }
    h->ports = p;
    h->ports[h->n_ports++] = (struct port){(uint32_t)rc, false};
    wake_self(h);
    return rc;
}

static bool forbidden(const xenevtchn_handle *h, uint32_t domid)
{
    if (!h->restricted || h->only == domid)
        return false;
    errno = EACCES;
    return true;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *h,
                                                      uint32_t domid)
{
    return forbidden(h, domid) ? -1 : add(h, xsr_hv_evtchn_alloc(0, domid));
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h,
                                                     uint32_t domid,
                                                     evtchn_port_t remote_port)
{
    return forbidden(h, domid) ? -1
                               : add(h, xsr_hv_evtchn_bind(domid, remote_port));
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *h,
                                              unsigned int virq)
{
    if (h->restricted) {
        errno = EACCES;
        return -1;
    }
    return add(h, xsr_hv_evtchn_bind_virq(virq, 0));
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
    struct port *p = find(h, port);
    int rc;

    if (!p)
        return -1;
    rc = xsr_hv_evtchn_close(port);
    *p = h->ports[--h->n_ports];
    return rc < 0 ? failed(rc) : 0;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
    int rc;

    if (!find(h, port))
        return -1;
    rc = xsr_hv_evtchn_send(0, port);
    if (rc < 0)
        return failed(rc);
    wake_others();
    return 0;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
    struct port *p = find(h, port);

    if (!p)
        return -1;
    p->masked = false;
    wake_self(h); /* an event may have come meanwhile */
    return 0;
}

/* The next port with an event, 0 for none. Quiet first, then look. */
static uint32_t look(xenevtchn_handle *h)
{
    char sink[4096];

    while (read(h->file_fd, sink, sizeof(sink)) > 0)
        ;
    while (read(h->event_fd, sink, sizeof(uint64_t)) > 0)
        ;
    for (size_t i = 0; i < h->n_ports; i++) {
        struct port *p = &h->ports[(h->next + i) % h->n_ports];

        if (p->masked || xsr_hv_evtchn_take(0, p->number) != 1)
            continue;
        h->next = (size_t)(p - h->ports) + 1;
        p->masked = true;
        wake_self(h); /* others may have one as well */
        return p->number;
    }
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
    struct pollfd p = {.fd = h->poll_fd, .events = POLLIN};
    uint32_t port;

    while (!(port = look(h))) {
        int flags = fcntl(h->poll_fd, F_GETFL);

        if (flags < 0 || flags & O_NONBLOCK) {
            errno = flags < 0 ? errno : EAGAIN;
            return -1;
        }
        if (poll(&p, 1, -1) < 0)
            return -1;
    }
    return (xenevtchn_port_or_error_t)port;
}

#pragma GCC visibility pop

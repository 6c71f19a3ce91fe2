/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call at a time lies in shared memory: copies first (of pages that the
 * last call read), then a mapping, then a read. An octet over a socket says
 * that it is there, another that it is done. batch.c comes before this; the
 * child's mappings are gone when xsr_loader_finish returns, for
 * restore_pv_end.c.
 *
 * The child does nothing else: it answers no signal, speaks with nobody, and
 * dies with its parent. Whoever stops us stops it, although it is in a read.
 */
#include "engine/restore/loader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/pages.h"

#define ENOUGH     4096u        /* pages for which to start a process */
#define A_CHILD    (256u << 10) /* pages that one maps: 2 MiB of tables */
#define WINDOW_LEN ((size_t)XSR_XEN_BATCH * XSR_PAGE_SIZE)
#define BOUNCE_LEN ((size_t)XSR_LOADER_BOUNCE * XSR_PAGE_SIZE)
#define LOOK_MS    200 /* for a stop that came before we waited */

struct xsr_loader_call {
    unsigned n_copies;
    struct {
        const uint8_t *from;
        uint8_t *to;
    } copy[XSR_LOADER_BOUNCE];
    unsigned n_frames; /* 0: the mapping of the last call */
    xen_pfn_t frame[XSR_XEN_BATCH];
    unsigned n_iov;
    struct iovec iov[XSR_LOADER_IOV];
    int rc; /* the answer */
    struct xsr_err err;
};

/* The kernel rounds it up to whole pages. */
#define SHARED_LEN (BOUNCE_LEN + sizeof(struct xsr_loader_call))

/* ---- the child ----------------------------------------------------------- */

static void *in_mapping(const struct xsr_loader *l, uint8_t *mapped, void *p)
{
    uint8_t *at = p;

    if (at < l->window || at >= l->window + WINDOW_LEN)
        return p;
    return mapped + (at - l->window);
}

static int serve(struct xsr_loader *l, uint8_t **mapped)
{
    struct xsr_loader_call *c = l->call;
    void *p;

    for (unsigned i = 0; i < c->n_copies; i++)
        memcpy(in_mapping(l, *mapped, c->copy[i].to), c->copy[i].from,
               XSR_PAGE_SIZE);
    if (c->n_frames) {
        if (xsr_xen_map(l->xen, c->frame, c->n_frames, PROT_READ | PROT_WRITE,
                        "guest memory", &p, &c->err) < 0)
            return -1;
        *mapped = p;
    }
    for (unsigned i = 0; i < c->n_iov; i++)
        c->iov[i].iov_base = in_mapping(l, *mapped, c->iov[i].iov_base);
    if (!c->n_iov)
        return 0;
    return xsr_readv_exact(l->fd, c->iov, c->n_iov, "libxc record PAGE_DATA",
                           &c->err);
}

static void __attribute__((noreturn))
run_child(struct xsr_loader *l, int sock, pid_t parent)
{
    static const int plain[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGIO};
    uint8_t *mapped = NULL;
    struct xsr_err ignored;
    sigset_t none;
    char octet;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    for (size_t i = 0; i < XSR_ARRAY_LEN(plain); i++)
        signal(plain[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    xsr_fd_set_stop_flag(NULL);
    while (xsr_read_exact(sock, &octet, 1, "a call", &ignored) == 0) {
        l->call->rc = serve(l, &mapped);
        if (xsr_write_all(sock, &octet, 1, "an answer", &ignored) < 0)
            break;
    }
    _exit(0);
}

/* ---- the parent ---------------------------------------------------------- */

void xsr_loader_init(struct xsr_loader *l)
{
    memset(l, 0, sizeof(*l));
    l->sock = -1;
}

void xsr_loader_start(struct xsr_loader *l, struct xsr_xen *xen, int fd,
                      uint64_t n_pages)
{
    uint8_t *window, *shared;

    if (n_pages < ENOUGH || !xsr_xen_is_pv_host(xen))
        return;
    window = mmap(NULL, WINDOW_LEN, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    shared = mmap(NULL, SHARED_LEN, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (window != MAP_FAILED && shared != MAP_FAILED) {
        l->xen = xen;
        l->fd = fd;
        l->window = window;
        l->bounce = shared;
        l->call = (void *)(shared + BOUNCE_LEN);
        return;
    }
    if (window != MAP_FAILED)
        munmap(window, WINDOW_LEN);
    if (shared != MAP_FAILED)
        munmap(shared, SHARED_LEN);
}

static bool start_child(struct xsr_loader *l)
{
    pid_t self = getpid();
    int sock[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
        return false;
    l->pid = fork();
    if (l->pid == 0) {
        close(sock[0]);
        run_child(l, sock[1], self);
    }
    close(sock[1]);
    if (l->pid < 0) {
        l->pid = 0;
        close(sock[0]);
        return false;
    }
    l->sock = sock[0];
    l->n_mapped = 0;
    return true;
}

/* Its mappings are gone when it is. */
static void end_child(struct xsr_loader *l)
{
    if (!l->pid)
        return;
    close(l->sock);
    l->sock = -1;
    while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    l->pid = 0;
}

static int is_gone(struct xsr_err *err)
{
    return xsr_fail(err, XSR_E_IO,
                    "the process that fills guest memory ended unexpectedly "
                    "(see the kernel's log: was it killed?)");
}

static int await_answer(struct xsr_loader *l, struct xsr_err *err)
{
    struct pollfd p = {.fd = l->sock, .events = POLLIN};
    char octet;

    while (poll(&p, 1, LOOK_MS) <= 0)
        if (xsr_fd_check_stop("libxc record PAGE_DATA", err) < 0)
            return -1;
    if (xsr_read_exact(l->sock, &octet, 1, "an answer", err) == 0)
        return 0;
    return err->kind == XSR_E_STOPPED ? -1 : is_gone(err);
}

static int do_call(struct xsr_loader *l, struct xsr_err *err)
{
    struct xsr_loader_call *c = l->call;
    char octet = 0;

    xsr_err_clear(&c->err);
    if (send(l->sock, &octet, 1, MSG_NOSIGNAL) != 1)
        return is_gone(err);
    if (await_answer(l, err) < 0)
        return -1;
    l->n_mapped += c->n_frames;
    c->n_copies = c->n_frames = c->n_iov = 0;
    if (c->rc < 0)
        *err = c->err;
    return c->rc;
}

void xsr_loader_copy(struct xsr_loader *l, const uint8_t *from, uint8_t *to)
{
    struct xsr_loader_call *c = l->call;

    c->copy[c->n_copies].from = from;
    c->copy[c->n_copies++].to = to;
}

int xsr_loader_finish(struct xsr_loader *l, struct xsr_err *err)
{
    /* What is to be copied yet is in this child's mapping. */
    if (l->call && l->call->n_copies && do_call(l, err) < 0)
        return -1;
    end_child(l);
    return 0;
}

int xsr_loader_map(struct xsr_loader *l, const xen_pfn_t *frames, unsigned n,
                   struct xsr_err *err)
{
    if (l->n_mapped + n > A_CHILD && xsr_loader_finish(l, err) < 0)
        return -1;
    if (!l->pid && !start_child(l)) {
        l->off = true;
        return 0;
    }
    memcpy(l->call->frame, frames, n * sizeof(*frames));
    l->call->n_frames = n;
    return 0;
}

int xsr_loader_readv(struct xsr_loader *l, const struct iovec *iov,
                     size_t n_iov, struct xsr_err *err)
{
    struct xsr_loader_call *c = l->call;

    if (n_iov > XSR_LOADER_IOV)
        return xsr_fail(err, XSR_E_BUG, "%zu elements to be loaded", n_iov);
    memcpy(c->iov, iov, n_iov * sizeof(*iov));
    c->n_iov = (unsigned)n_iov;
    return do_call(l, err);
}

void xsr_loader_fini(struct xsr_loader *l)
{
    if (l->pid)
        kill(l->pid, SIGKILL);
    end_child(l);
    if (!l->call)
        return;
    munmap(l->window, WINDOW_LEN);
    munmap(l->bounce, SHARED_LEN);
    xsr_loader_init(l);
}

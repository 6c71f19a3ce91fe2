/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxencall on the simulated host: hypercalls become calls of the simulated
 * hypervisor in libxensrsim.so, by which the ordinary libxenctrl runs on it
 * unchanged. Hypercall buffers are plain pages. The results are those of the
 * real library: -1 and errno, or what Xen returned.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <xentoollog.h>

#include <xencall.h>

#include "lib/util.h"
#include "stubs/hv/hv.h"
#include "stubs/world/world.h"

#pragma GCC visibility push(default)

struct xencall_handle {
    xentoollog_logger *logger;
};

xencall_handle *xencall_open(xentoollog_logger *logger, unsigned open_flags)
{
    struct xsr_err err = XSR_ERR_INIT;
    xencall_handle *h;

    (void)open_flags;
    if (xsr_hv_open(&err) < 0) {
        if (logger)
            xtl_log(logger, XTL_ERROR, err.sys, "xencall", "simulated host: %s",
                    err.text);
        errno = err.sys ? err.sys : EIO;
        return NULL;
    }
    h = calloc(1, sizeof(*h));
    if (h)
        h->logger = logger;
    return h;
}

int xencall_close(xencall_handle *h)
{
    free(h);
    return 0;
}

/* There is no device behind it. */
int xencall_fd(xencall_handle *h)
{
    (void)h;
    errno = ENOSYS;
    return -1;
}

static long call(unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                 uint64_t e)
{
    const uint64_t arg[5] = {a, b, c, d, e};
    long rc = xsr_hv_call(op, arg);

    if (rc < 0) {
        errno = (int)-rc;
        return -1;
    }
    return rc;
}

int xencall0(xencall_handle *h, unsigned int op)
{
    (void)h;
    return (int)call(op, 0, 0, 0, 0, 0);
}

int xencall1(xencall_handle *h, unsigned int op, uint64_t a1)
{
    (void)h;
    return (int)call(op, a1, 0, 0, 0, 0);
}

int xencall2(xencall_handle *h, unsigned int op, uint64_t a1, uint64_t a2)
{
    (void)h;
    return (int)call(op, a1, a2, 0, 0, 0);
}

long xencall2L(xencall_handle *h, unsigned int op, uint64_t a1, uint64_t a2)
{
    (void)h;
    return call(op, a1, a2, 0, 0, 0);
}

int xencall3(xencall_handle *h, unsigned int op, uint64_t a1, uint64_t a2,
             uint64_t a3)
{
    (void)h;
    return (int)call(op, a1, a2, a3, 0, 0);
}

int xencall4(xencall_handle *h, unsigned int op, uint64_t a1, uint64_t a2,
             uint64_t a3, uint64_t a4)
{
    (void)h;
    return (int)call(op, a1, a2, a3, a4, 0);
}

int xencall5(xencall_handle *h, unsigned int op, uint64_t a1, uint64_t a2,
             uint64_t a3, uint64_t a4, uint64_t a5)
{
    (void)h;
    return (int)call(op, a1, a2, a3, a4, a5);
}

void *xencall_alloc_buffer_pages(xencall_handle *h, size_t n)
{
    void *p;

    (void)h;
    if (n == 0)
        n = 1;
    p = mmap(NULL, n * XSR_PAGE_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void xencall_free_buffer_pages(xencall_handle *h, void *p, size_t n)
{
    int saved = errno;

    (void)h;
    if (p)
        munmap(p, (n ? n : 1) * XSR_PAGE_SIZE);
    errno = saved;
}

/* The real one keeps the length in front; freeing gets only the address. */
struct buffer_head {
    size_t n_pages;
    uint8_t pad[56];
};

void *xencall_alloc_buffer(xencall_handle *h, size_t size)
{
    size_t n =
        (size + sizeof(struct buffer_head) + XSR_PAGE_SIZE - 1) / XSR_PAGE_SIZE;
    struct buffer_head *head = xencall_alloc_buffer_pages(h, n);

    if (!head)
        return NULL;
    head->n_pages = n;
    return head + 1;
}

void xencall_free_buffer(xencall_handle *h, void *p)
{
    struct buffer_head *head = p;

    if (head)
        xencall_free_buffer_pages(h, head - 1, head[-1].n_pages);
}

int xencall_buffers_never_fault(xencall_handle *h)
{
    (void)h;
    return 1;
}

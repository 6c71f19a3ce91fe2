/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.so, to be preloaded into a save helper, whoever made it: counts what
 * the helper asks of the kernel and, through /dev/xen/privcmd, of Xen, and how
 * long it waited for that. Libraries call these functions by name, so that the
 * stock helper and ours are counted alike; what the C library does inside
 * itself (malloc's own mmap) is not seen.
 *
 * At its end the process appends to the file COUNT_OUT one line a kind:
 *
 *   KIND CALLS AMOUNT NANOSECONDS
 *
 * AMOUNT: pages of a mapping, frames of a populate, octets of a read or write.
 * The times of two threads add up. bench.sh makes a table of it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>

/* The header is the kernel's own, and it wants xenctrl.h's types. */
#define __user
#include <xen/sys/privcmd.h>

#define EXPORT    __attribute__((visibility("default")))
#define PAGE_SIZE 4096u

struct figures {
    uint64_t calls, amount, ns;
};

enum own {
    MMAP,
    MUNMAP,
    READ,
    READV,
    WRITE,
    WRITEV,
    MAP_FOREIGN,
    MAP_RESOURCE,
    OTHER_IOCTL,
    N_OWN
};
static const char *const own_names[N_OWN] = {
    "mmap",   "munmap",    "read",          "readv",      "write",
    "writev", "MMAPBATCH", "MMAP_RESOURCE", "other-ioctl"};

#define N_OPS  64u  /* hypercalls */
#define N_SUBS 128u /* domctls have numbers up to 90 */

static const char *const op_names[N_OPS] = {
    [__HYPERVISOR_memory_op] = "memory_op",
    [__HYPERVISOR_mmuext_op] = "mmuext_op",
    [__HYPERVISOR_xen_version] = "xen_version",
    [__HYPERVISOR_grant_table_op] = "grant_table_op",
    [__HYPERVISOR_hvm_op] = "hvm_op",
    [__HYPERVISOR_sysctl] = "sysctl",
    [__HYPERVISOR_domctl] = "domctl",
};

static struct figures own[N_OWN], hyper[N_OPS][N_SUBS];

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void add(struct figures *f, uint64_t amount, uint64_t since)
{
    __atomic_fetch_add(&f->calls, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&f->amount, amount, __ATOMIC_RELAXED);
    __atomic_fetch_add(&f->ns, now() - since, __ATOMIC_RELAXED);
}

/* ---- the end ------------------------------------------------------------- */

static void put(FILE *f, const char *name, const char *sub,
                const struct figures *n)
{
    if (n->calls)
        fprintf(f, "%s%s %llu %llu %llu\n", name, sub,
                (unsigned long long)n->calls, (unsigned long long)n->amount,
                (unsigned long long)n->ns);
}

static void report(void)
{
    static int once;
    const char *path = getenv("COUNT_OUT");
    FILE *f;

    if (!path || __atomic_exchange_n(&once, 1, __ATOMIC_RELAXED))
        return;
    f = fopen(path, "ae");
    if (!f)
        return;
    for (unsigned i = 0; i < N_OWN; i++)
        put(f, own_names[i], "", &own[i]);
    for (unsigned op = 0; op < N_OPS; op++) {
        for (unsigned i = 0; i < N_SUBS; i++) {
            char sub[16];

            snprintf(sub, sizeof(sub), ":%u", i);
            put(f, op_names[op] ? op_names[op] : "hypercall", sub,
                &hyper[op][i]);
        }
    }
    fclose(f);
}

__attribute__((destructor)) static void at_end(void)
{
    report();
}

/* ---- what is watched ----------------------------------------------------- */

#define NEXT(name)                 \
    static __typeof__(name) *next; \
    if (!next)                     \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

EXPORT void _exit(int status)
{
    NEXT(_exit);
    report();
    next(status);
    __builtin_unreachable();
}

/* Of a domctl or sysctl only the number is looked at: it comes first. */
static void add_hypercall(uint64_t op, const uint64_t *arg, uint64_t since)
{
    uint64_t sub = arg[0], amount = 0;

    op %= N_OPS;
    if (op == __HYPERVISOR_domctl || op == __HYPERVISOR_sysctl)
        sub = *(const uint32_t *)(uintptr_t)arg[0];
    else if (op == __HYPERVISOR_mmuext_op)
        sub = 0;
    else if (op == __HYPERVISOR_memory_op) /* above: where a long one goes on */
        sub &= 63;
    if (op == __HYPERVISOR_memory_op && sub == XENMEM_populate_physmap) {
        const struct xen_memory_reservation *r =
            (const void *)(uintptr_t)arg[1];

        amount = (uint64_t)r->nr_extents << r->extent_order;
    }
    add(&hyper[op][sub % N_SUBS], amount, since);
}

/* libxenctrl puts memory_op into a multicall of one, for a longer result. */
static void add_call(const privcmd_hypercall_t *h, uint64_t since)
{
    const struct multicall_entry *m = (const void *)(uintptr_t)h->arg[0];

    if (h->op == __HYPERVISOR_multicall && h->arg[1] == 1)
        add_hypercall(m->op, (const uint64_t *)m->args, since);
    else
        add_hypercall(h->op, (const uint64_t *)h->arg, since);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    const privcmd_mmapbatch_v2_t *batch;
    const privcmd_mmap_resource_t *resource;
    uint64_t since = now();
    va_list ap;
    void *arg;
    int r;

    NEXT(ioctl);
    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    r = next(fd, request, arg);
    switch (request) {
    case IOCTL_PRIVCMD_HYPERCALL:
        add_call(arg, since);
        break;
    case IOCTL_PRIVCMD_MMAPBATCH_V2:
        batch = arg;
        add(&own[MAP_FOREIGN], batch->num, since);
        break;
    case IOCTL_PRIVCMD_MMAP_RESOURCE:
        resource = arg;
        add(&own[MAP_RESOURCE], resource->num, since);
        break;
    default:
        add(&own[OTHER_IOCTL], 0, since);
    }
    return r;
}

EXPORT void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
    uint64_t since = now();
    void *r;

    NEXT(mmap);
    r = next(at, len, prot, flags, fd, off);
    add(&own[MMAP], len / PAGE_SIZE, since);
    return r;
}

EXPORT void *mmap64(void *at, size_t len, int prot, int flags, int fd,
                    off64_t off)
{
    uint64_t since = now();
    void *r;

    NEXT(mmap64);
    r = next(at, len, prot, flags, fd, off);
    add(&own[MMAP], len / PAGE_SIZE, since);
    return r;
}

EXPORT int munmap(void *at, size_t len)
{
    uint64_t since = now();
    int r;

    NEXT(munmap);
    r = next(at, len);
    add(&own[MUNMAP], len / PAGE_SIZE, since);
    return r;
}

static uint64_t octets(ssize_t r)
{
    return r > 0 ? (uint64_t)r : 0;
}

EXPORT ssize_t read(int fd, void *p, size_t n)
{
    uint64_t since = now();
    ssize_t r;

    NEXT(read);
    r = next(fd, p, n);
    add(&own[READ], octets(r), since);
    return r;
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
    uint64_t since = now();
    ssize_t r;

    NEXT(readv);
    r = next(fd, iov, n);
    add(&own[READV], octets(r), since);
    return r;
}

EXPORT ssize_t write(int fd, const void *p, size_t n)
{
    uint64_t since = now();
    ssize_t r;

    NEXT(write);
    r = next(fd, p, n);
    add(&own[WRITE], octets(r), since);
    return r;
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
    uint64_t since = now();
    ssize_t r;

    NEXT(writev);
    r = next(fd, iov, n);
    add(&own[WRITEV], octets(r), since);
    return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files "host" and "ram" of the simulated host: made on first use with a
 * default size, mapped once per process, entered and left by every hypercall.
 * A new "host" is written under a temporary name and renamed, so that nobody
 * ever sees half of one. What a process that died inside left behind is put
 * right by the next one that enters (repair.c).
 */
#include "stubs/world/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define DEFAULT_MIB 16384u
#define MIN_MIB     1024u
#define MAX_MIB     (1u << 22) /* 4 TiB: 32-bit frame numbers everywhere */
#define DOM0_MIB    512u
#define BACKED_MAPS 65536u /* octets */

struct xsr_host *xsr_host;
struct xsr_frame *xsr_frames;
uint64_t *xsr_m2p;
void (*xsr_host_on_edge)(void);

static uint8_t *ram_base;
static size_t host_len;
static struct xsr_sim_file ram = XSR_SIM_FILE_INIT;
static size_t ram_len;
static struct stat host_stat;
static unsigned depth;

static size_t frames_offset(uint64_t total_pages)
{
    size_t chunks = (total_pages + XSR_CHUNK - 1) / XSR_CHUNK;

    return (size_t)xsr_round_up(offsetof(struct xsr_host, chunk_used) +
                                    chunks * sizeof(uint16_t),
                                XSR_PAGE_SIZE);
}

static size_t host_size(uint64_t total_pages)
{
    return frames_offset(total_pages) +
           (size_t)total_pages * sizeof(struct xsr_frame);
}

/* Xen's own frames: the two M2P tables at the top of memory. */
static void lay_out(struct xsr_host *h, const struct xsr_host_options *o)
{
    uint64_t mib = o->memory_mib ? o->memory_mib : DEFAULT_MIB;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    h->version = XSR_HOST_VERSION;
    h->total_pages = mib * 256;
    h->dom0_pages = DOM0_MIB * 256;
    h->m2p_pages = xsr_round_up(h->total_pages * 8 / XSR_PAGE_SIZE, XSR_CHUNK);
    h->m2p_mfn = h->total_pages - h->m2p_pages;
    h->compat_mfn = h->m2p_mfn - XSR_CHUNK;
    h->n_cpus = o->n_cpus ? o->n_cpus : 4;
    h->shadow = !o->no_shadow;
    h->hap = !o->no_hap;
    h->resident = o->resident;
    h->next_serial = 1;
    h->free_pages = h->compat_mfn - h->dom0_pages;
    h->boot_ns = now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int make_file(const char *name, size_t len, int *fd_out,
                     struct xsr_err *err)
{
    *fd_out = xsr_sim_open(name, O_RDWR | O_CREAT | O_TRUNC, err);
    if (*fd_out < 0)
        return -1;
    if (ftruncate(*fd_out, (off_t)len) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "making %s of the simulated "
                            "host %zu bytes long",
                            name, len);
    return 0;
}

int xsr_file_back(int fd, size_t from, size_t len)
{
    int rc;

    do /* a signal ends the call on a tmpfs */
        rc = posix_fallocate(fd, (off_t)from, (off_t)len);
    while (rc == EINTR);
    errno = rc ? rc : errno;
    return rc ? -1 : 0;
}

static int back_tables(int fd, const struct xsr_host *head, struct xsr_err *err)
{
    size_t chunks = offsetof(struct xsr_host, chunk_used);

    if (xsr_file_back(fd, 0, offsetof(struct xsr_host, maps) + BACKED_MAPS) ||
        xsr_file_back(fd, chunks, frames_offset(head->total_pages) - chunks))
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "making the tables of the simulated host in %s",
                            xsr_sim_dir(err));
    return 0;
}

static int write_zeros(int fd, uint64_t mfn, size_t n)
{
    static const uint8_t zeros[64 * XSR_PAGE_SIZE];
    off_t at = (off_t)(mfn * XSR_PAGE_SIZE);
    size_t left = n * XSR_PAGE_SIZE;
    ssize_t r;

    while (left > 0) {
        r = pwrite(fd, zeros, xsr_min(left, sizeof(zeros)), at);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        left -= (size_t)r;
        at += r;
    }
    return 0;
}

static int make_ram(const struct xsr_host *head, struct xsr_err *err)
{
    int fd = -1;
    int rc = make_file("ram", head->total_pages * XSR_PAGE_SIZE, &fd, err);

    if (rc == 0 && head->resident &&
        write_zeros(fd, head->dom0_pages, head->compat_mfn - head->dom0_pages))
        rc = xsr_fail_sys(err, XSR_E_IO, errno,
                          "no room for all memory of the simulated host in %s",
                          xsr_sim_dir(err));
    if (fd >= 0)
        close(fd);
    return rc;
}

/* "ram" first, then "host" by rename: whoever sees "host" sees all. */
static int make_host(const struct xsr_host_options *o, struct xsr_err *err)
{
    struct xsr_host head;
    char from[PATH_MAX + 16], to[PATH_MAX + 16];
    int fd = -1, rc;

    memset(&head, 0, offsetof(struct xsr_host, slots));
    lay_out(&head, o);
    head.magic = XSR_HOST_MAGIC;
    if (make_ram(&head, err) < 0)
        return -1;
    rc = make_file("host.new", host_size(head.total_pages), &fd, err);
    if (rc == 0)
        rc = back_tables(fd, &head, err);
    if (rc == 0 && pwrite(fd, &head, offsetof(struct xsr_host, slots), 0) !=
                       (ssize_t)offsetof(struct xsr_host, slots))
        rc = xsr_fail_sys(err, XSR_E_IO, errno, "writing the host file");
    if (fd >= 0)
        close(fd);
    if (rc < 0)
        return -1;
    snprintf(from, sizeof(from), "%s/host.new", xsr_sim_dir(err));
    snprintf(to, sizeof(to), "%s/host", xsr_sim_dir(err));
    if (rename(from, to) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "renaming %s", from);
    return 0;
}

static void unmap_host(void)
{
    if (xsr_host)
        munmap(xsr_host, host_len);
    if (ram_base)
        munmap(ram_base, ram_len);
    if (xsr_sim_file_ours(&ram))
        close(ram.fd);
    xsr_host = NULL;
    ram_base = NULL;
    ram.fd = -1;
}

static int check_head(const struct xsr_host *h, struct xsr_err *err)
{
    if (h->magic != XSR_HOST_MAGIC)
        return xsr_fail(err, XSR_E_FORMAT,
                        "the file host in %s is not a "
                        "simulated host",
                        xsr_sim_dir(err));
    if (h->version != XSR_HOST_VERSION)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "the simulated host in %s has "
                        "version %u, this program knows %u (`xensr sim "
                        "reset` removes it)",
                        xsr_sim_dir(err), h->version, XSR_HOST_VERSION);
    if (host_stat.st_size < (off_t)host_size(h->total_pages))
        return xsr_fail(err, XSR_E_FORMAT, "the file host in %s is cut off",
                        xsr_sim_dir(err));
    return 0;
}

static int map_host(struct xsr_err *err)
{
    int fd = xsr_sim_open("host", O_RDWR, err);
    struct stat st;
    void *p;

    if (fd < 0)
        return -1;
    if (fstat(fd, &host_stat) < 0 ||
        host_stat.st_size < (off_t)sizeof(struct xsr_host)) {
        close(fd);
        return xsr_fail(err, XSR_E_FORMAT, "the file host is cut off");
    }
    host_len = (size_t)host_stat.st_size;
    p = mmap(NULL, host_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return xsr_fail_sys(err, XSR_E_NOMEM, errno, "mapping the host file");
    xsr_host = p;
    if (check_head(xsr_host, err) < 0 ||
        xsr_sim_file_get(&ram, "ram", O_RDWR, err) < 0) {
        unmap_host();
        return -1;
    }
    ram_len = xsr_host->total_pages * XSR_PAGE_SIZE;
    if (fstat(ram.fd, &st) < 0 || st.st_size < (off_t)ram_len) {
        unmap_host();
        return xsr_fail(err, XSR_E_FORMAT,
                        "the file ram in %s is cut off: reset the host",
                        xsr_sim_dir(err));
    }
    p = mmap(NULL, ram_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
             ram.fd, 0);
    if (p == MAP_FAILED) {
        unmap_host();
        return xsr_fail_sys(err, XSR_E_NOMEM, errno, "mapping the host's ram");
    }
    ram_base = p;
    /* a core file of the program shall not contain the whole machine */
    madvise(ram_base, ram_len, MADV_DONTDUMP);
    xsr_frames =
        (void *)((uint8_t *)xsr_host + frames_offset(xsr_host->total_pages));
    xsr_m2p = (void *)(ram_base + xsr_host->m2p_mfn * XSR_PAGE_SIZE);
    return 0;
}

static bool have_host(struct xsr_err *err)
{
    char path[PATH_MAX + 16];

    snprintf(path, sizeof(path), "%s/host", xsr_sim_dir(err));
    return access(path, F_OK) == 0;
}

int xsr_host_open(struct xsr_err *err)
{
    static const struct xsr_host_options defaults;
    int rc = 0;

    if (xsr_host)
        return 0;
    if (!xsr_sim_dir(err))
        return -1;
    xsr_sim_lock();
    if (!have_host(err))
        rc = make_host(&defaults, err);
    if (rc == 0 && !xsr_host)
        rc = map_host(err);
    xsr_sim_unlock();
    return rc;
}

int xsr_host_create(const struct xsr_host_options *o, struct xsr_err *err)
{
    uint64_t mib = o->memory_mib ? o->memory_mib : DEFAULT_MIB;
    int rc = 0;
    size_t i;

    if (mib < MIN_MIB || mib > MAX_MIB || mib % 2)
        return xsr_fail(err, XSR_E_LIMIT,
                        "a simulated host with %llu MiB; "
                        "even numbers from %u to %u are possible",
                        (unsigned long long)mib, MIN_MIB, MAX_MIB);
    if (o->n_cpus > 256)
        return xsr_fail(err, XSR_E_LIMIT,
                        "a simulated host with %u CPUs; at "
                        "most 256 are possible",
                        o->n_cpus);
    if (!xsr_sim_dir(err))
        return -1;
    xsr_sim_lock();
    if (have_host(err) && (xsr_host || map_host(err) == 0)) {
        for (i = 0; i < XSR_SLOTS && rc == 0; i++)
            if (xsr_host->slots[i].state != XSR_SLOT_FREE &&
                xsr_host->slots[i].domid != 0)
                rc = xsr_fail(err, XSR_E_XEN,
                              "the simulated host in %s has "
                              "domain %u; destroy it or reset the host first",
                              xsr_sim_dir(err), xsr_host->slots[i].domid);
    }
    if (rc == 0) {
        unmap_host();
        rc = make_host(o, err);
    }
    if (rc == 0)
        rc = map_host(err);
    xsr_sim_unlock();
    return rc;
}

int xsr_host_enter(void)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_host_open(&err) < 0) {
        xsr_sim_log("%s", err.text);
        errno = EIO;
        return -1;
    }
    xsr_sim_lock();
    if (depth++ == 0) {
        if (xsr_host->busy)
            xsr_host_repair();
        xsr_host->busy = 1;
        if (xsr_host->slots[0].state != XSR_SLOT_LIVE)
            xsr_hv_make_dom0();
        if (xsr_host->slots[0].state != XSR_SLOT_LIVE) {
            xsr_host_leave();
            errno = ENOSPC; /* the log says more, if it could */
            return -1;
        }
    }
    xsr_host_edge();
    return 0;
}

void xsr_host_leave(void)
{
    xsr_host_edge();
    if (--depth == 0)
        __atomic_store_n(&xsr_host->busy, 0, __ATOMIC_RELEASE);
    xsr_sim_unlock();
}

void *xsr_frame_bytes(uint64_t mfn)
{
    return ram_base + mfn * XSR_PAGE_SIZE;
}

int xsr_frame_wipe(uint64_t mfn, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_sim_file_get(&ram, "ram", O_RDWR, &err) < 0)
        return -1;
    return write_zeros(ram.fd, mfn, n);
}

/*
 * Storage is taken when a domain gets the frames, as on a real host: what the
 * disk cannot hold is refused here, and is no SIGBUS in whoever writes to it
 * later. Writing zeros is also much cheaper than faulting pages in one by one.
 * A host with resident memory has taken it when it was made.
 */
int xsr_frame_back(uint64_t mfn, size_t n)
{
    if (xsr_host->resident || xsr_frame_wipe(mfn, n) == 0)
        return 0;
    xsr_sim_log("no room for guest memory in the host's folder");
    return -1;
}

uint64_t xsr_frame_backing(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct statvfs v;

    if (xsr_sim_file_get(&ram, "ram", O_RDWR, &err) < 0 ||
        fstatvfs(ram.fd, &v) < 0 || v.f_blocks == 0)
        return UINT64_MAX; /* a file system that does not say */
    return (uint64_t)v.f_bavail * v.f_frsize / XSR_PAGE_SIZE;
}

/*
 * Guest pages cost their PTEs when they are mapped, as with Xen. They are
 * touched instead of asking mmap for it, which would keep the process's other
 * threads from mapping meanwhile; one touch brings its 64 KiB along.
 */
static void touch_all(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        (void)*(const volatile uint8_t *)(p + i * XSR_PAGE_SIZE);
    (void)*(const volatile uint8_t *)(p + (n - 1) * XSR_PAGE_SIZE);
}

void *xsr_frame_mmap(void *addr, uint64_t mfn, size_t n, int prot)
{
    struct xsr_err err = XSR_ERR_INIT;
    int flags = MAP_SHARED | (addr ? MAP_FIXED : 0);
    void *p;

    if (xsr_sim_file_get(&ram, "ram", O_RDWR, &err) < 0) {
        errno = EIO;
        return NULL;
    }
    p = mmap(addr, n * XSR_PAGE_SIZE, prot, flags, ram.fd,
             (off_t)(mfn * XSR_PAGE_SIZE));
    if (p == MAP_FAILED)
        return NULL;
    /* Reading the M2P, which is sparse, shall not fill it. */
    if (n && prot & PROT_READ && mfn < xsr_host->compat_mfn)
        touch_all(p, n);
    return p;
}

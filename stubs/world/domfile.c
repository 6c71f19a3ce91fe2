/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One file per simulated domain, "dom.SERIAL", holding struct xsr_dom; made
 * and removed by hv/domain.c and repair.c. Every process maps it on first use
 * and keeps it until the slot holds another domain. A serial number is never
 * used twice, so a mapping of a domain that is gone can never be taken for
 * its successor's, whatever the domain id.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stubs/world/host.h"

#define BACKED_PORTS XSR_2L_EVTCHN
#define BACKED_VCPUS 256u

static struct {
    uint64_t serial;
    struct xsr_dom *dom;
} mapped[XSR_SLOTS];

static void file_name(const struct xsr_slot *slot, char *out, size_t len)
{
    snprintf(out, len, "dom.%llu", (unsigned long long)slot->serial);
}

static void forget(size_t i)
{
    if (mapped[i].dom)
        munmap(mapped[i].dom, sizeof(struct xsr_dom));
    mapped[i].dom = NULL;
    mapped[i].serial = 0;
}

/* The parts that every domain uses. */
static bool back(int fd, uint32_t n_vcpus)
{
    size_t ports = BACKED_PORTS * sizeof(struct xsr_evtchn);
    size_t n = n_vcpus < BACKED_VCPUS ? n_vcpus : BACKED_VCPUS;

    if (xsr_file_back(fd, 0, offsetof(struct xsr_dom, evtchn) + ports) ||
        xsr_file_back(fd, offsetof(struct xsr_dom, vcpu),
                      (n + 1) * sizeof(struct xsr_vcpu)))
        return false;
    if (xsr_frame_backing() >= XSR_DISK_MARGIN)
        return true;
    errno = ENOSPC;
    return false;
}

/* A maker that died may have left the file without its length. */
static bool right_size(int fd, int flags, uint32_t n_vcpus)
{
    struct stat st;

    xsr_host_edge();
    if (flags & O_CREAT)
        return ftruncate(fd, (off_t)sizeof(struct xsr_dom)) == 0 &&
               back(fd, n_vcpus);
    return fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(struct xsr_dom);
}

static struct xsr_dom *open_file(struct xsr_slot *slot, int flags,
                                 uint32_t n_vcpus)
{
    struct xsr_err err = XSR_ERR_INIT;
    size_t i = (size_t)(slot - xsr_host->slots);
    char name[48];
    void *p = MAP_FAILED;
    int fd;

    forget(i);
    file_name(slot, name, sizeof(name));
    fd = xsr_sim_open(name, flags, &err);
    if (fd < 0) {
        if (flags & O_CREAT)
            xsr_sim_log("domain %u: %s", slot->domid, err.text);
        return NULL;
    }
    if (right_size(fd, flags, n_vcpus))
        p = mmap(NULL, sizeof(struct xsr_dom), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_NORESERVE, fd, 0);
    close(fd);
    if (p == MAP_FAILED) {
        xsr_sim_log("domain %u: cannot map its file: errno %d%s", slot->domid,
                    errno,
                    errno == ENOSPC ? ", the host's folder is full" : "");
        return NULL;
    }
    madvise(p, sizeof(struct xsr_dom), MADV_DONTDUMP);
    mapped[i].serial = slot->serial;
    mapped[i].dom = p;
    return p;
}

struct xsr_dom *xsr_dom_map(struct xsr_slot *slot)
{
    size_t i = (size_t)(slot - xsr_host->slots);

    if (slot->serial == 0)
        return NULL;
    if (mapped[i].serial == slot->serial)
        return mapped[i].dom;
    return open_file(slot, O_RDWR, 0);
}

struct xsr_dom *xsr_dom_file_new(struct xsr_slot *slot, uint32_t n_vcpus)
{
    return open_file(slot, O_RDWR | O_CREAT | O_TRUNC, n_vcpus);
}

void xsr_dom_file_remove(struct xsr_slot *slot)
{
    struct xsr_err err = XSR_ERR_INIT;
    char path[PATH_MAX + 64], name[48];

    forget((size_t)(slot - xsr_host->slots));
    file_name(slot, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/%s", xsr_sim_dir(&err), name);
    unlink(path);
}

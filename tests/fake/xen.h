/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hypervisor for tests of the engine's own judgement: one domain whose
 * frames are pages of a memfd, and calls that are counted and written down.
 * It refuses nothing unless told to: what Xen refuses is the simulated host's
 * business. Its definitions come before libxenctrl's in the program.
 */
#ifndef XSR_TESTS_FAKE_XEN_H
#define XSR_TESTS_FAKE_XEN_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#define FAKE_FRAMES      4096u
#define FAKE_BASE        0x1000u /* mfn of the first PV frame */
#define FAKE_SHARED_INFO (FAKE_BASE + FAKE_FRAMES - 1)
#define FAKE_GRANTS      (FAKE_BASE + FAKE_FRAMES - 2)

static struct {
    bool pv, running;
    unsigned width, max_pages, max_vcpu_id;
    int mem_fd;
    uint8_t *mem;              /* every frame, by mfn - FAKE_BASE */
    uint64_t gfn[FAKE_FRAMES]; /* of each frame in use */
    unsigned n_frames, n_mappings;
    int policy_errno;
    uint32_t err_leaf;
    unsigned n_policies, n_tsc, n_params, n_vcpus, n_pins, n_contexts;
    uint64_t param[64];
    vcpu_guest_context_any_t vcpu[4];
    struct mmuext_op pin[16];
} xen_host;

static void fake_init(bool pv)
{
    memset(&xen_host, 0, sizeof(xen_host));
    xen_host.pv = pv;
    xen_host.width = 8;
    xen_host.max_pages = 1000;
    xen_host.max_vcpu_id = 1;
    xen_host.mem_fd = memfd_create("frames", MFD_CLOEXEC);
    if (ftruncate(xen_host.mem_fd, FAKE_FRAMES * 4096l) < 0)
        abort();
    xen_host.mem = mmap(NULL, FAKE_FRAMES * 4096ul, PROT_READ | PROT_WRITE,
                        MAP_SHARED, xen_host.mem_fd, 0);
}

static void fake_fini(void)
{
    munmap(xen_host.mem, FAKE_FRAMES * 4096ul);
    close(xen_host.mem_fd);
}

/* Index of the frame a tool means; PV tools mean mfns, others gfns. -1: none */
static long fake_frame(uint64_t number)
{
    if (number == FAKE_SHARED_INFO || number == FAKE_GRANTS)
        return (long)(number - FAKE_BASE);
    for (unsigned i = 0; i < xen_host.n_frames; i++)
        if (number == (xen_host.pv ? FAKE_BASE + i : xen_host.gfn[i]))
            return i;
    return -1;
}

static inline uint8_t *fake_page(uint64_t gfn)
{
    for (unsigned i = 0; i < xen_host.n_frames; i++)
        if (xen_host.gfn[i] == gfn)
            return xen_host.mem + i * 4096ul;
    return NULL;
}

static inline uint64_t fake_mfn(uint64_t gfn)
{
    return FAKE_BASE + (uint64_t)(fake_page(gfn) - xen_host.mem) / 4096;
}

/* ---- libxenforeignmemory ------------------------------------------------- */

void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t domid,
                           int prot, size_t n, const xen_pfn_t *frames,
                           int *errs)
{
    uint8_t *p =
        mmap(NULL, n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)fmem, (void)domid;
    for (size_t i = 0; i < n; i++) {
        long at = fake_frame(frames[i]);

        errs[i] = at < 0 ? -EINVAL : 0;
        if (at >= 0)
            mmap(p + i * 4096, 4096, prot, MAP_SHARED | MAP_FIXED,
                 xen_host.mem_fd, at * 4096l);
    }
    xen_host.n_mappings++;
    return p;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *p, size_t n)
{
    (void)fmem;
    xen_host.n_mappings--;
    return munmap(p, n * 4096);
}

xenforeignmemory_resource_handle *xenforeignmemory_map_resource(
    xenforeignmemory_handle *fmem, domid_t domid, unsigned int type,
    unsigned int id, unsigned long frame, unsigned long n, void **p, int prot,
    int flags)
{
    (void)fmem, (void)domid, (void)type, (void)id, (void)frame, (void)n;
    (void)prot, (void)flags;
    *p = xen_host.mem + (FAKE_GRANTS - FAKE_BASE) * 4096ul;
    return (xenforeignmemory_resource_handle *)xen_host.mem;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *fmem,
                                    xenforeignmemory_resource_handle *res)
{
    (void)fmem, (void)res;
    return 0;
}

#endif

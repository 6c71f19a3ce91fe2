/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access to the shared state (state.h) for stubs/hv: entering and leaving it,
 * domain files, guest frames and their allocation, repair.
 */
#ifndef XSR_STUBS_HOST_H
#define XSR_STUBS_HOST_H

#include "stubs/hv/hv.h"
#include "stubs/world/state.h"
#include "stubs/world/world.h"

/*
 * A file of the host that stays open in this process. Programs close what they
 * do not know, or reuse its number, so it is looked at before each use.
 */
struct xsr_sim_file {
    int fd;
    uint64_t dev, ino;
};
#define XSR_SIM_FILE_INIT \
    {                     \
        -1, 0, 0          \
    }
bool xsr_sim_file_ours(const struct xsr_sim_file *f);
/* Open it (again) if it is not ours; never one of the numbers 0 to 2. */
int xsr_sim_file_get(struct xsr_sim_file *f, const char *name, int flags,
                     struct xsr_err *err);

/*
 * Storage for part of a mapped file before anybody touches it: a hole of it on
 * a full disk is a SIGBUS, even to read. 0 or -1 with errno.
 */
int xsr_file_back(int fd, size_t from, size_t len);

/* Make a host in the folder. Refused if one with domains is there. */
int xsr_host_create(const struct xsr_host_options *options,
                    struct xsr_err *err);
/* Is the host usable? Makes one with default options on first use. */
int xsr_host_open(struct xsr_err *err);

/*
 * Lock the host and mark it busy; repairs what a dead process left half done.
 * Nests. 0, or -1 if there is no host (not locked then).
 */
int xsr_host_enter(void);
void xsr_host_leave(void);
/* A point between two stores that belong together: tests die here. */
static inline void xsr_host_edge(void)
{
    if (xsr_host_on_edge)
        xsr_host_on_edge();
}

/* Domain files. The pointer stays valid until the domain's slot is freed. */
struct xsr_dom *xsr_dom_map(struct xsr_slot *slot);
/* NULL also if the folder has no room for a domain of so many vCPUs. */
struct xsr_dom *xsr_dom_file_new(struct xsr_slot *slot, uint32_t n_vcpus);
void xsr_dom_file_remove(struct xsr_slot *slot);

/* Guest frames ------------------------------------------------------------ */
/*
 * Take a run of at most want frames for d (order > 0: aligned, all or
 * nothing). Owner is stored, m2p is not. Returns how many, from *mfn_out.
 */
size_t xsr_frame_alloc(struct xsr_dom *d, size_t want, unsigned order,
                       uint8_t flags, uint64_t *mfn_out);
/* Give frames back: content, m2p, type, owner. Not checked. */
void xsr_frame_free(uint64_t mfn, size_t n);
/* The frame's bytes in this process (a window, valid until next_windows). */
void *xsr_frame_bytes(uint64_t mfn);
#define XSR_DISK_MARGIN 1024u /* pages; for tables, xenstore, the log */
/* How many pages the folder's file system can still hold. */
uint64_t xsr_frame_backing(void);
/* Zeros into n frames from mfn. 0 or -1 (disk full). */
int xsr_frame_wipe(uint64_t mfn, size_t n);
/* Make n free frames from mfn real, zeroed storage. 0 or -1 (disk full). */
int xsr_frame_back(uint64_t mfn, size_t n);
/* Map n frames from mfn at addr (MAP_FIXED if not NULL). NULL and errno. */
void *xsr_frame_mmap(void *addr, uint64_t mfn, size_t n, int prot);
static inline bool xsr_frame_valid(uint64_t mfn)
{
    return mfn < xsr_host->total_pages;
}
static inline bool xsr_frame_owned(uint64_t mfn, const struct xsr_dom *d)
{
    return xsr_frame_valid(mfn) && xsr_frames[mfn].owner == d->domid + 1;
}
/* Recompute everything derived; finish what was begun. Lock held. */
void xsr_host_repair(void);

#endif

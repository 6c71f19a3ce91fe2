/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Foreign mappings: pages of a domain in a toolstack process, for
 * libxenforeignmemory. A mapping is a mapping of the file "ram", plus a record
 * per run of frames in the shared state, so that a frame in use by anybody is
 * known: it is not freed with its domain, and a writable mapping of a PV page
 * is a reference of type "writable", as with a PV domain 0 on real Xen. Such a
 * page cannot become a page table, and a page table cannot be mapped writable.
 *
 * Records of a process that died are found by a byte lock which the kernel
 * dropped (file "procs"), and released by whoever is in the way of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/util.h"
#include "stubs/guest/hooks.h"
#include "stubs/hv/hv.h"
#include "stubs/hv/hvi.h"

struct mapping {
    uint8_t *at;
    size_t n, n_recs;
    uint32_t *recs; /* indexes into xsr_host->maps */
};

static struct mapping *mine; /* of this process; host lock held */
static size_t n_mine, cap_mine;
static pid_t my_pid;
static uint32_t my_proc; /* slot + 1 */
static struct xsr_sim_file procs = XSR_SIM_FILE_INIT;

/* ---- processes ----------------------------------------------------------- */

static int byte_lock(int cmd, uint32_t slot, struct flock *fl)
{
    *fl = (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1};
    return fcntl(procs.fd, cmd, fl);
}

/* If the program closed it, our lock is gone with it: a new slot then. */
static bool open_procs(void)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_sim_file_ours(&procs))
        return true;
    my_proc = 0;
    return xsr_sim_file_get(&procs, "procs", O_RDWR | O_CREAT, &err) >= 0;
}

static bool is_dead(uint32_t slot)
{
    struct flock fl;

    if (my_pid == getpid() && slot + 1 == my_proc)
        return false;
    return byte_lock(F_GETLK, slot, &fl) == 0 && fl.l_type == F_UNLCK;
}

/* After fork we are somebody else, and have none of the mappings. */
static void notice_fork(void)
{
    size_t i;

    if (my_pid == getpid())
        return;
    for (i = 0; i < n_mine; i++)
        free(mine[i].recs);
    n_mine = 0;
    my_proc = 0;
    my_pid = getpid();
}

static bool have_proc(void)
{
    struct flock fl;
    uint32_t i;

    notice_fork();
    if (!open_procs())
        return false;
    if (my_proc)
        return true;
    xsr_hv_purge_dead_maps();
    for (i = 0; i < XSR_PROCS; i++) {
        if (xsr_host->procs[i].used || byte_lock(F_SETLK, i, &fl) < 0)
            continue;
        xsr_host->procs[i].pid = (uint32_t)my_pid;
        xsr_host->procs[i].used = 1;
        my_proc = i + 1;
        return true;
    }
    return false;
}

/* ---- records ------------------------------------------------------------- */

/* What one record holds, released. */
static void drop_record(struct xsr_map *m)
{
    struct xsr_dom *d = xsr_hv_dom(m->domid);
    uint32_t mfn = m->mfn, n = m->n, i;
    bool writable = m->writable;

    xsr_host_edge();
    __atomic_store_n(&m->proc, 0, __ATOMIC_RELEASE);
    xsr_host_edge();
    if (m - xsr_host->maps < xsr_host->map_hint)
        xsr_host->map_hint = (uint32_t)(m - xsr_host->maps);
    for (i = 0; i < n; i++) {
        struct xsr_frame *f = &xsr_frames[mfn + i];

        if (f->maps)
            f->maps--;
        if (writable && d)
            xsr_hv_put_type(d, mfn + i);
    }
    if (d && d->dying == 2)
        xsr_hv_reap(d);
}

static struct xsr_map *new_record(uint32_t *index)
{
    uint32_t k;

    for (k = xsr_host->map_hint; k < XSR_MAPS; k++) {
        if (xsr_host->maps[k].proc)
            continue;
        xsr_host->map_hint = k + 1;
        if (xsr_host->map_end <= k)
            xsr_host->map_end = k + 1;
        *index = k;
        return &xsr_host->maps[k];
    }
    return NULL;
}

static void release(struct mapping *m)
{
    size_t i;

    for (i = 0; i < m->n_recs; i++) {
        struct xsr_map *r = &xsr_host->maps[m->recs[i]];

        if (r->proc == my_proc)
            drop_record(r);
    }
    free(m->recs);
    m->recs = NULL;
    m->n_recs = 0;
}

bool xsr_hv_purge_dead_maps(void)
{
    bool dead[XSR_PROCS], any = false;
    uint32_t i;

    if (!open_procs())
        return false;
    for (i = 0; i < XSR_PROCS; i++) {
        dead[i] = xsr_host->procs[i].used && is_dead(i);
        any = any || dead[i];
    }
    if (!any)
        return false;
    for (i = 0; i < xsr_host->map_end; i++) {
        uint32_t proc = xsr_host->maps[i].proc;

        if (proc && dead[proc - 1])
            drop_record(&xsr_host->maps[i]);
    }
    for (i = 0; i < XSR_PROCS; i++)
        if (dead[i])
            xsr_host->procs[i].used = 0;
    return true;
}

/*
 * Repair: counts of frames were cleared, page tables have their references
 * again; now those of living processes.
 */
void xsr_hv_recount_maps(void)
{
    uint32_t i, k;

    if (open_procs())
        for (i = 0; i < XSR_PROCS; i++)
            if (xsr_host->procs[i].used && is_dead(i))
                xsr_host->procs[i].used = 0;
    xsr_host->map_hint = 0;
    for (i = 0; i < xsr_host->map_end; i++) {
        struct xsr_map *m = &xsr_host->maps[i];
        struct xsr_dom *d;

        if (m->proc && !xsr_host->procs[m->proc - 1].used)
            m->proc = 0;
        d = m->proc ? xsr_hv_dom(m->domid) : NULL;
        for (k = 0; d && k < m->n; k++) {
            xsr_frames[m->mfn + k].maps++;
            if (m->writable)
                xsr_hv_get_type(d, m->mfn + k, XSR_F_WRITABLE);
        }
    }
}

/* ---- mapping ------------------------------------------------------------- */

/* The frame behind a guest's number, if a toolstack may map it so. */
static int64_t frame_to_map(struct xsr_dom *d, uint32_t domid, uint64_t gfn,
                            int prot)
{
    int64_t mfn;

    if (!d) { /* Xen's own: the M2P tables, to read */
        if (domid != DOMID_XEN || gfn < xsr_host->compat_mfn ||
            gfn >= xsr_host->total_pages)
            return -EINVAL;
        return prot & PROT_WRITE ? -EPERM : (int64_t)gfn;
    }
    mfn = d->hvm && d->dying ? -EINVAL : xsr_hv_gfn_to_mfn(d, gfn);
    if (mfn < 0 && !d->hvm && !(gfn >> 40)) /* a machine frame: whose? */
        return xsr_frame_valid(gfn) ? -EBUSY : -EPERM;
    return mfn < 0 ? -EINVAL : mfn;
}

/* Take the references for one frame; a negative errno if refused. */
static int get_frame(struct xsr_dom *d, uint64_t mfn, int prot)
{
    int rc = 0;

    if (!d)
        return 0;
    if (prot & PROT_WRITE) {
        rc = xsr_hv_get_type(d, mfn, XSR_F_WRITABLE);
        if (rc == 0 && !d->hvm) /* hardware sees a guest's writes alone */
            xsr_hv_mark_dirty(d, xsr_m2p[mfn]);
    }
    if (rc == 0)
        xsr_frames[mfn].maps++;
    return rc < 0 ? -EBUSY : 0;
}

static int add_record(struct mapping *m, struct xsr_dom *d, uint64_t mfn,
                      size_t n, int prot)
{
    struct xsr_map *r;
    uint32_t index;

    if (!d)
        return 0;
    if (m->n_recs % 64 == 0) {
        uint32_t *p = realloc(m->recs, (m->n_recs + 64) * sizeof(*p));

        if (!p)
            return -ENOMEM;
        m->recs = p;
    }
    r = new_record(&index);
    if (!r) {
        xsr_sim_log("the table of foreign mappings is full");
        return -ENOMEM;
    }
    r->mfn = (uint32_t)mfn;
    r->n = (uint32_t)n;
    r->domid = (uint16_t)d->domid;
    r->writable = !!(prot & PROT_WRITE);
    xsr_host_edge();
    __atomic_store_n(&r->proc, my_proc, __ATOMIC_RELEASE);
    m->recs[m->n_recs++] = index;
    return 0;
}

static void undo_frames(struct xsr_dom *d, const int64_t *mfns, size_t from,
                        size_t to, int prot)
{
    for (; d && from < to; from++) {
        if (mfns[from] < 0)
            continue;
        xsr_frames[mfns[from]].maps--;
        if (prot & PROT_WRITE)
            xsr_hv_put_type(d, (uint64_t)mfns[from]);
    }
}

/* References and records for all frames; bad ones become negative. */
static int hold(struct mapping *m, struct xsr_dom *d, int64_t *mfns, int prot)
{
    size_t i, k;
    int rc;

    for (i = 0; i < m->n; i++) {
        rc = mfns[i] < 0 ? 0 : get_frame(d, (uint64_t)mfns[i], prot);
        if (rc < 0)
            mfns[i] = rc;
    }
    for (i = 0; i < m->n; i = k) {
        k = i + 1;
        if (mfns[i] < 0)
            continue;
        while (k < m->n && mfns[k] == mfns[k - 1] + 1)
            k++;
        rc = add_record(m, d, (uint64_t)mfns[i], k - i, prot);
        if (rc < 0) {
            undo_frames(d, mfns, i, m->n, prot);
            release(m);
            return rc;
        }
    }
    return 0;
}

/* The page tables of this process: one mmap per run of frames. */
static int place(struct mapping *m, const int64_t *mfns, int prot, void *at)
{
    size_t i, k;

    m->at = mmap(at, m->n * XSR_PAGE_SIZE, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->at == MAP_FAILED)
        return -errno;
    for (i = 0; i < m->n; i = k) {
        k = i + 1;
        if (mfns[i] < 0)
            continue;
        while (k < m->n && mfns[k] == mfns[k - 1] + 1)
            k++;
        if (!xsr_frame_mmap(m->at + i * XSR_PAGE_SIZE, (uint64_t)mfns[i], k - i,
                            prot)) {
            int rc = -errno;

            munmap(m->at, m->n * XSR_PAGE_SIZE);
            return rc;
        }
    }
    madvise(m->at, m->n * XSR_PAGE_SIZE, MADV_DONTFORK);
    return 0;
}

static int remember(const struct mapping *m)
{
    if (n_mine == cap_mine) {
        size_t cap = cap_mine ? 2 * cap_mine : 64;
        struct mapping *p = realloc(mine, cap * sizeof(*p));

        if (!p)
            return -ENOMEM;
        mine = p;
        cap_mine = cap;
    }
    mine[n_mine++] = *m;
    return 0;
}

/* The frames are held (0): place them, without the host's lock if possible. */
static void *map_held(struct mapping *m, const int64_t *mfns, int prot,
                      void *at)
{
    int rc = place(m, mfns, prot, at);
    bool placed = rc == 0;

    if (xsr_host_enter() < 0)
        return NULL;
    if (placed)
        rc = remember(m);
    if (placed && rc < 0)
        munmap(m->at, m->n * XSR_PAGE_SIZE);
    if (rc < 0)
        release(m);
    xsr_host_leave();
    errno = -rc;
    return rc < 0 ? NULL : m->at;
}

/* Without errs one bad frame is an error of the whole call. */
static int hold_all(struct mapping *m, struct xsr_dom *d, int64_t *mfns,
                    int prot, int *errs)
{
    int rc = d && !have_proc() ? -ENOMEM : hold(m, d, mfns, prot);
    bool held = rc == 0;
    size_t i;

    for (i = 0; held && i < m->n; i++) {
        if (errs)
            errs[i] = mfns[i] < 0 ? (int)mfns[i] : 0;
        else if (mfns[i] < 0 && rc == 0)
            rc = (int)mfns[i];
    }
    if (held && rc < 0)
        release(m);
    errno = -rc;
    return rc;
}

void *xsr_hv_map(uint32_t domid, int prot, size_t n, const uint64_t *frames,
                 int *errs, void *at)
{
    int64_t *mfns = n ? malloc(n * sizeof(*mfns)) : NULL;
    struct mapping m = {.n = n};
    struct xsr_dom *d;
    void *p = NULL;
    size_t i;
    int rc = -1;

    if (!mfns)
        errno = n ? ENOMEM : EINVAL;
    if (!mfns || xsr_host_enter() < 0) {
        free(mfns);
        return NULL;
    }
    xsr_guest_advance();
    d = domid == DOMID_XEN ? NULL : xsr_hv_dom_any(domid);
    if (domid != DOMID_XEN && (!d || d->domid == 0)) {
        errno = d ? EINVAL : ESRCH;
    } else if (d && xsr_hv_fault(d, XSR_FAULT_MAP)) {
        errno = ENOMEM;
    } else {
        for (i = 0; i < n; i++)
            mfns[i] = frame_to_map(d, domid, frames[i], prot);
        rc = hold_all(&m, d, mfns, prot, errs);
    }
    xsr_host_leave();
    if (rc == 0)
        p = map_held(&m, mfns, prot, at);
    rc = errno;
    xsr_hv_fire_notes();
    free(mfns);
    errno = rc;
    return p;
}

void *xsr_hv_map_resource(uint32_t domid, unsigned type, unsigned id,
                          uint64_t first, size_t n, int prot, void *at)
{
    uint64_t list[XSR_MAX_GRANT_FRAMES];
    int64_t mfns[XSR_MAX_GRANT_FRAMES];
    struct xen_mem_acquire_resource r = {
        .domid = (domid_t)domid,
        .type = (uint16_t)type,
        .id = id,
        .nr_frames = (uint32_t)n,
        .frame = first,
        .frame_list = {list},
    };
    struct mapping m = {.n = n};
    void *p = NULL;
    size_t i;
    long rc;

    if (n == 0 || n > XSR_MAX_GRANT_FRAMES) {
        errno = EINVAL;
        return NULL;
    }
    if (xsr_host_enter() < 0)
        return NULL;
    rc = xsr_hv_memory_op(XENMEM_acquire_resource, &r);
    if (rc < 0) {
        errno = (int)-rc;
    } else {
        for (i = 0; i < n; i++)
            mfns[i] = (int64_t)list[i];
        if (hold_all(&m, xsr_hv_dom(domid), mfns, prot, NULL) == 0)
            p = map_held(&m, mfns, prot, at);
    }
    xsr_host_leave();
    return p;
}

/* Taking down page tables is the kernel's work in this process alone: nobody
 * else's hypercalls wait for it. The frames are held until it is done. */
int xsr_hv_unmap(void *p, size_t n)
{
    struct mapping m = {.n = 0};
    size_t i;

    if (xsr_host_enter() < 0)
        return -EIO;
    notice_fork();
    for (i = n_mine; i-- > 0 && !m.n;) {
        if (mine[i].at != p || mine[i].n != n)
            continue;
        m = mine[i];
        mine[i] = mine[--n_mine];
    }
    xsr_host_leave();
    if (!m.n)
        return -EINVAL;
    munmap(p, n * XSR_PAGE_SIZE);
    if (xsr_host_enter() < 0)
        return -EIO;
    release(&m);
    xsr_host_leave();
    xsr_hv_fire_notes();
    return 0;
}

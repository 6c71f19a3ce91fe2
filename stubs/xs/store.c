/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the file to the state in memory, and from a change to the file. Every
 * call of a connection starts with enter(): read the records that others have
 * appended, apply them, tell the watches. A change is applied to a copy,
 * appended to the file, and only then becomes the state.
 */
#include "stubs/xs/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "stubs/guest/hooks.h"
#include "stubs/world/world.h"
#include "stubs/xs/file.h"
#include "stubs/xs/path.h"

/* Start a new file when the changes outweigh the snapshot this much. */
#define COMPACT_MIN    (256u << 10)
#define COMPACT_FACTOR 4u

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool busy; /* the mutex is held */

static struct xsr_store_file file = XSR_STORE_FILE_INIT;
static struct xsr_store_state state; /* root NULL: nothing loaded */

/*
 * A child of a program with threads: if one of them was at work here, what it
 * left is not to be trusted; the file has everything anyway.
 */
static void after_fork_child(void)
{
    pthread_mutex_init(&mutex, NULL);
    if (busy) {
        file = (struct xsr_store_file)XSR_STORE_FILE_INIT;
        state = (struct xsr_store_state){NULL, NULL, 0, 0};
    }
    busy = false;
}

static void register_fork(void)
{
    pthread_atfork(NULL, NULL, after_fork_child);
}

/* ---- guests that are told something ----------------------------------------
 */

#define MAX_TOLD 8u

static uint32_t told[MAX_TOLD]; /* mutex held */
static unsigned n_told;

/* Guests hear of a word in their control/shutdown when nothing is locked. */
static void note_told(const struct xsr_buf *ops)
{
    struct xsr_store_op op;
    struct xsr_cur cur;

    xsr_cur_init(&cur, ops->p, ops->len, 0);
    while (xsr_store_op_get(&cur, &op) > 0) {
        uint32_t domid = 0;
        int used = 0;

        if (op.kind == XSR_STORE_OP_WRITE && op.len && n_told < MAX_TOLD &&
            sscanf(op.path, "/local/domain/%5u/control/shutdown%n", &domid,
                   &used) == 1 &&
            used && !op.path[used])
            told[n_told++] = domid;
    }
}

static void tell_guests(const uint32_t *domids, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        xsr_guest_told(domids[i]);
}

static void fire_all(const struct xsr_buf *events)
{
    size_t at = 0;

    while (at < events->len) {
        const char *name = (const char *)events->p + at + 1;

        xsr_store_fire(name, events->p[at]);
        at += strlen(name) + 2;
    }
}

/* The next state: the present one with ops applied as record seq. */
static int next_state(const struct xsr_buf *ops, uint64_t seq,
                      struct xsr_store_state *next, struct xsr_buf *events)
{
    if (xsr_store_state_copy(next, &state))
        return -1;
    if (xsr_store_state_apply(next, ops->p, ops->len, seq,
                              xsr_store_any_watch() ? events : NULL)) {
        xsr_store_state_fini(next);
        return -1;
    }
    return 0;
}

static void take_state(struct xsr_store_state *next)
{
    xsr_store_state_fini(&state);
    state = *next;
}

static int apply_record(const struct xsr_buf *ops, uint64_t seq)
{
    struct xsr_buf events = XSR_BUF_INIT;
    struct xsr_store_state next;
    int rc = -1;

    if (seq <= state.seq) /* seen in the file before this one */
        return 0;
    if (!next_state(ops, seq, &next, &events)) {
        take_state(&next);
        fire_all(&events);
        rc = 0;
    }
    xsr_buf_fini(&events);
    return rc;
}

static int read_records(void)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    uint64_t seq;
    int rc;

    while ((rc = xsr_store_file_next(&file, &ops, &seq)) > 0)
        if (apply_record(&ops, seq)) {
            file.end = 0; /* not to be passed over: load anew */
            rc = -1;
            break;
        }
    xsr_buf_fini(&ops);
    return rc;
}

static int tell_new(void *ctx, const char *path,
                    const struct xsr_store_node *node)
{
    const struct xsr_store_node *old = xsr_store_tree_find(ctx, path);

    if (!old || old->gen != node->gen || old->len != node->len ||
        memcmp(old->value, node->value, node->len))
        xsr_store_fire(path, false);
    return 0;
}

static int tell_gone(void *ctx, const char *path,
                     const struct xsr_store_node *node)
{
    char parent[XSR_STORE_PATH_BUF];

    (void)node;
    if (xsr_store_tree_find(ctx, path))
        return 0;
    xsr_store_parent(path, parent);
    xsr_store_fire(path, !xsr_store_tree_find(ctx, parent));
    return 0;
}

/*
 * Records were missed: while this process slept, the file was replaced more
 * than once, or the host reset. What differs must have been changed.
 */
static void tell_differences(const struct xsr_store_state *old,
                             const struct xsr_store_state *new)
{
    if (!old->root || !xsr_store_any_watch())
        return;
    xsr_store_tree_walk(new->root, "/", XSR_STORE_PARENTS_FIRST, tell_new,
                        old->root);
    xsr_store_tree_walk(old->root, "/", XSR_STORE_PARENTS_FIRST, tell_gone,
                        new->root);
    xsr_store_fire("@introduceDomain", true);
    xsr_store_fire("@releaseDomain", true);
}

/* The snapshot at the start of a file that was just opened. */
static int read_snapshot(bool follow)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    struct xsr_store_state next;
    uint64_t seq;
    int rc = xsr_store_file_next(&file, &ops, &seq);

    if (rc == 0)
        errno = EIO;
    if (rc <= 0)
        goto fail;
    file.first = file.end;
    if (!follow || state.seq < file.base) {
        if (xsr_store_state_new(&next))
            goto fail;
        if (xsr_store_state_apply(&next, ops.p, ops.len, seq, NULL)) {
            xsr_store_state_fini(&next);
            goto fail;
        }
        tell_differences(&state, &next);
        take_state(&next);
    }
    xsr_buf_fini(&ops);
    return 0;
fail:
    xsr_buf_fini(&ops);
    return -1;
}

static int open_file(void)
{
    uint64_t id = file.id;

    xsr_store_file_close(&file);
    if (xsr_store_file_open(&file))
        return -1;
    if (read_snapshot(state.root && id == file.id)) {
        xsr_store_file_close(&file);
        return -1;
    }
    xsr_store_follow_file();
    return 0;
}

/* Up to date; ENOENT if there is no store yet. */
static int sync_state(void)
{
    int current;

    for (;;) {
        if (!state.root || !xsr_store_file_ours(&file) || !file.end) {
            if (open_file())
                return -1;
        }
        if (read_records())
            return -1;
        current = xsr_store_file_current(&file);
        if (current)
            return current < 0 ? -1 : 0;
        /* Replaced: nothing is appended to the old one any more. */
        if (read_records() || open_file())
            return -1;
    }
}

/* A host that has no xenstore yet gets one; host lock and mutex held. */
static int create_store(void)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    struct xsr_store_state st = {NULL, NULL, 0, 0};
    int rc = -1;

    if (xsr_store_state_new(&st) || xsr_store_seed(&ops) ||
        xsr_store_state_apply(&st, ops.p, ops.len, 1, NULL))
        goto out;
    xsr_buf_clear(&ops);
    if (!xsr_store_state_dump(&st, &ops))
        rc = xsr_store_file_create(0, &ops, st.seq);
out:
    xsr_store_state_fini(&st);
    xsr_buf_fini(&ops);
    return rc;
}

static void lock_mutex(void)
{
    pthread_once(&once, register_fork);
    pthread_mutex_lock(&mutex);
    busy = true;
}

static void unlock_mutex(void)
{
    busy = false;
    pthread_mutex_unlock(&mutex);
}

/* errno stays as it was when all goes well: some callers look at it then. */
int xsr_store_enter(bool change)
{
    int rc, keep, before = errno;

    if (change)
        xsr_sim_lock();
    lock_mutex();
    rc = sync_state();
    keep = errno;
    if (rc && keep == ENOENT && change && !create_store())
        rc = sync_state();
    if (!rc) {
        errno = before;
        return 0;
    }
    keep = keep == ENOENT && change ? errno : keep;
    xsr_store_leave(change);
    if (keep == ENOENT && !change) {
        /* Making the store is a change: once with the host lock. */
        if (xsr_store_enter(true))
            return -1;
        unlock_mutex();
        xsr_sim_unlock();
        lock_mutex();
        errno = before;
        return 0;
    }
    errno = keep;
    return -1;
}

void xsr_store_leave(bool change)
{
    uint32_t domids[MAX_TOLD];
    unsigned n = n_told;
    int keep = errno;

    memcpy(domids, told, sizeof(told));
    n_told = 0;
    /* Nobody is connected: keep neither memory nor a descriptor. */
    if (!xsr_store_any_conn()) {
        xsr_store_state_fini(&state);
        xsr_store_file_close(&file);
    }
    unlock_mutex();
    if (change)
        xsr_sim_unlock();
    tell_guests(domids, n);
    errno = keep;
}

const struct xsr_store_state *xsr_store_state(void)
{
    return &state;
}

/* Nobody is hurt when this fails: the old file goes on growing. */
static void compact(void)
{
    uint64_t snapshot = file.first, grown = file.end - file.first;
    struct xsr_buf ops = XSR_BUF_INIT;

    if (grown < COMPACT_MIN || grown < COMPACT_FACTOR * snapshot)
        return;
    if (xsr_store_state_dump(&state, &ops) ||
        xsr_store_file_create(file.id, &ops, state.seq) || sync_state())
        xsr_sim_log("xenstore: cannot start a new file (errno %d)", errno);
    xsr_buf_fini(&ops);
}

int xsr_store_commit(const struct xsr_buf *ops)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf all = XSR_BUF_INIT, events = XSR_BUF_INIT;
    struct xsr_buf more = XSR_BUF_INIT;
    struct xsr_store_state next = {NULL, NULL, 0, 0};
    uint64_t seq = state.seq + 1;
    int rc = -1, keep, before = errno;

    if (next_state(ops, seq, &next, &events) ||
        xsr_store_console(&next, ops, &more) ||
        (more.len &&
         xsr_store_state_apply(&next, more.p, more.len, seq, &events)))
        goto out;
    if (xsr_buf_put(&all, ops->p, ops->len, &err) ||
        (more.len && xsr_buf_put(&all, more.p, more.len, &err))) {
        errno = ENOMEM;
        goto out;
    }
    if (xsr_store_file_append(&file, &all, seq))
        goto out;
    take_state(&next);
    next = (struct xsr_store_state){NULL, NULL, 0, 0};
    fire_all(&events);
    note_told(&all);
    compact();
    rc = 0;
out:
    keep = rc ? errno : before;
    xsr_store_state_fini(&next);
    xsr_buf_fini(&all);
    xsr_buf_fini(&more);
    xsr_buf_fini(&events);
    errno = keep;
    return rc;
}

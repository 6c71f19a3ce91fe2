/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The xenstore file: a header, one snapshot record, then one record for each
 * change. Records are only appended, by the holder of the host lock; readers
 * need no lock. A new file (after growth) replaces the old one by rename, and
 * says with which record it starts, so that nobody misses one.
 *
 *   header  8 bytes magic, u64 store id, u64 number of the snapshot
 *   record  u32 magic, u32 length, u64 number, u64 sum, then the operations
 */
#ifndef XSR_STUBS_XS_FILE_H
#define XSR_STUBS_XS_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/buf.h"

struct xsr_store_file {
    int fd;         /* -1: none */
    dev_t dev;      /* what fd must still be: programs close */
    ino_t ino;      /*   descriptors that they do not know */
    uint64_t id;    /* same in all files of one store */
    uint64_t base;  /* number of the snapshot */
    uint64_t first; /* offset behind the snapshot */
    uint64_t end;   /* offset behind the last record read */
};
#define XSR_STORE_FILE_INIT  \
    {                        \
        -1, 0, 0, 0, 0, 0, 0 \
    }

#define XSR_STORE_FILE "xenstore"

/* Open the host's file; end is in front of the snapshot. -1 with errno. */
int xsr_store_file_open(struct xsr_store_file *f);
void xsr_store_file_close(struct xsr_store_file *f);
/* Is fd still the file that was opened? */
bool xsr_store_file_ours(const struct xsr_store_file *f);
/* Is it still the one under its name? 1, 0 replaced or removed, -1 errno. */
int xsr_store_file_current(const struct xsr_store_file *f);

/*
 * The next record into ops (cleared first). 1: got it, and end has moved; 0:
 * none there, or not completely; -1: errno.
 */
int xsr_store_file_next(struct xsr_store_file *f, struct xsr_buf *ops,
                        uint64_t *seq_out);
/*
 * Append one record behind end, with the host lock held and everything read.
 * What a killed writer left behind end is cut off. -1 with errno, nothing
 * changed.
 */
int xsr_store_file_append(struct xsr_store_file *f, const struct xsr_buf *ops,
                          uint64_t seq);
/*
 * Replace the host's file by one that starts with this snapshot; host lock
 * held. id 0: a new store.
 */
int xsr_store_file_create(uint64_t id, const struct xsr_buf *snapshot,
                          uint64_t seq);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records in the xenstore file. store.c decides when to read, append and
 * start anew; this file only makes sure that a record is there completely or
 * not at all, whatever moment its writer is killed at.
 *
 * Nothing is synced: the simulated host outlives its processes, not a crash
 * of the machine that it is simulated on (no more than a real one's store).
 */
#include "stubs/xs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/fd.h"
#include "stubs/world/world.h"
#include "stubs/xs/record.h"

#define FILE_MAGIC   "XSRXS\0\0\1"
#define FILE_HEAD    24u
#define RECORD_MAGIC 0x52535858u
#define RECORD_HEAD  24u
/* A snapshot of the largest store anyone simulates is far below this. */
#define RECORD_MAX   (256u << 20)

/* Exactly n bytes at offset: 1; the file ends before: 0; -1 errno. */
static int read_at(int fd, void *p, size_t n, uint64_t offset)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = pread(fd, (char *)p + got, n - got, (off_t)(offset + got));

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return (int)r;
        got += (size_t)r;
    }
    return 1;
}

static int write_at(int fd, const void *p, size_t n, uint64_t offset)
{
    size_t put = 0;

    while (put < n) {
        ssize_t r =
            pwrite(fd, (const char *)p + put, n - put, (off_t)(offset + put));

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        put += (size_t)r;
    }
    return 0;
}

static int damaged(int *fd)
{
    xsr_sim_log("xenstore: the file \"" XSR_STORE_FILE "\" does not start like "
                "a xenstore file; reset the host");
    xsr_close(fd);
    errno = EIO;
    return -1;
}

int xsr_store_file_open(struct xsr_store_file *f)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t head[FILE_HEAD];
    struct stat st;
    int fd = xsr_sim_open(XSR_STORE_FILE, O_RDWR, &err);

    if (fd >= 0 && fd < 3) { /* 0-2 belong to the program */
        int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);

        xsr_close(&fd);
        fd = high;
    }
    if (fd < 0) {
        errno = err.sys ? err.sys : EIO;
        return -1;
    }
    if (fstat(fd, &st) || read_at(fd, head, sizeof(head), 0) != 1 ||
        memcmp(head, FILE_MAGIC, 8))
        return damaged(&fd);
    *f = (struct xsr_store_file){
        .fd = fd,
        .dev = st.st_dev,
        .ino = st.st_ino,
        .id = xsr_le64(head + 8),
        .base = xsr_le64(head + 16),
        .first = FILE_HEAD,
        .end = FILE_HEAD,
    };
    return 0;
}

bool xsr_store_file_ours(const struct xsr_store_file *f)
{
    struct stat st;

    return f->fd >= 0 && !fstat(f->fd, &st) && st.st_dev == f->dev &&
           st.st_ino == f->ino;
}

void xsr_store_file_close(struct xsr_store_file *f)
{
    if (xsr_store_file_ours(f))
        xsr_close(&f->fd);
    f->fd = -1;
}

int xsr_store_file_current(const struct xsr_store_file *f)
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *dir = xsr_sim_dir(&err);
    struct stat named;
    char path[4096];

    if (!dir)
        return -1;
    snprintf(path, sizeof(path), "%s/" XSR_STORE_FILE, dir);
    if (stat(path, &named))
        return errno == ENOENT ? 0 : -1;
    return f->ino == named.st_ino && f->dev == named.st_dev;
}

static uint64_t record_sum(const uint8_t *head, const void *ops, size_t len)
{
    return xsr_store_sum(xsr_store_sum(0, head, 16), ops, len);
}

int xsr_store_file_next(struct xsr_store_file *f, struct xsr_buf *ops,
                        uint64_t *seq_out)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t head[RECORD_HEAD];
    struct stat st;
    uint32_t len;
    int rc = read_at(f->fd, head, sizeof(head), f->end);

    if (rc <= 0)
        return rc;
    len = xsr_le32(head + 4);
    if (xsr_le32(head) != RECORD_MAGIC || len > RECORD_MAX ||
        fstat(f->fd, &st) || f->end + RECORD_HEAD + len > (uint64_t)st.st_size)
        return 0;
    xsr_buf_clear(ops);
    if (xsr_buf_put_zero(ops, len, &err)) {
        errno = ENOMEM;
        return -1;
    }
    rc = read_at(f->fd, ops->p, len, f->end + RECORD_HEAD);
    if (rc <= 0 || xsr_le64(head + 16) != record_sum(head, ops->p, len))
        return rc < 0 ? -1 : 0;
    f->end += RECORD_HEAD + len;
    *seq_out = xsr_le64(head + 8);
    return 1;
}

/* Header and operations in one piece, so that one write carries them. */
static int frame(struct xsr_buf *out, const struct xsr_buf *ops, uint64_t seq)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t head[RECORD_HEAD];

    if (ops->len > RECORD_MAX) {
        errno = E2BIG;
        return -1;
    }
    xsr_st_le32(head, RECORD_MAGIC);
    xsr_st_le32(head + 4, (uint32_t)ops->len);
    xsr_st_le64(head + 8, seq);
    xsr_st_le64(head + 16, record_sum(head, ops->p, ops->len));
    if (xsr_buf_put(out, head, sizeof(head), &err) ||
        xsr_buf_put(out, ops->p, ops->len, &err)) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

int xsr_store_file_append(struct xsr_store_file *f, const struct xsr_buf *ops,
                          uint64_t seq)
{
    struct xsr_buf out = XSR_BUF_INIT;
    struct stat st;
    int rc = -1, keep;

    if (frame(&out, ops, seq) || fstat(f->fd, &st))
        goto out;
    if ((uint64_t)st.st_size > f->end) {
        xsr_sim_log("xenstore: %llu bytes of an unfinished change cut off",
                    (unsigned long long)st.st_size - f->end);
        if (ftruncate(f->fd, (off_t)f->end))
            goto out;
    }
    if (write_at(f->fd, out.p, out.len, f->end)) {
        keep = errno;
        if (ftruncate(f->fd, (off_t)f->end))
            xsr_sim_log("xenstore: cannot take back an unfinished change");
        errno = keep;
        goto out;
    }
    f->end += out.len;
    rc = 0;
out:
    xsr_buf_fini(&out);
    return rc;
}

static int rename_new(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *dir = xsr_sim_dir(&err);
    char from[4096], to[4096];

    if (!dir) {
        errno = err.sys ? err.sys : EIO;
        return -1;
    }
    snprintf(from, sizeof(from), "%s/" XSR_STORE_FILE ".new", dir);
    snprintf(to, sizeof(to), "%s/" XSR_STORE_FILE, dir);
    return rename(from, to);
}

int xsr_store_file_create(uint64_t id, const struct xsr_buf *snapshot,
                          uint64_t seq)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf out = XSR_BUF_INIT;
    uint8_t head[FILE_HEAD];
    xsr_auto_close int fd = -1;
    int rc = -1;

    if (!id && getrandom(&id, sizeof(id), 0) != sizeof(id))
        return -1;
    memcpy(head, FILE_MAGIC, 8);
    xsr_st_le64(head + 8, id);
    xsr_st_le64(head + 16, seq);
    if (xsr_buf_put(&out, head, sizeof(head), &err)) {
        errno = ENOMEM;
        goto out;
    }
    if (frame(&out, snapshot, seq))
        goto out;
    fd = xsr_sim_open(XSR_STORE_FILE ".new", O_RDWR | O_CREAT | O_TRUNC, &err);
    if (fd < 0) {
        errno = err.sys ? err.sys : EIO;
        goto out;
    }
    if (write_at(fd, out.p, out.len, 0) || rename_new())
        goto out;
    rc = 0;
out:
    xsr_buf_fini(&out);
    return rc;
}

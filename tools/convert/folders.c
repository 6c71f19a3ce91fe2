/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts of an image in a folder, one file each: --aside writes what the output
 * format has no place for, --with reads what the input format had no place
 * for. Nothing that is there is written over, and after a failure nothing is
 * there that was not before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "tools/convert/convert.h"

static int open_folder(const char *path, int *out, struct xsr_err *err)
{
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out >= 0)
        return 0;
    return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open the folder %s",
                        path);
}

int conv_folders_open(struct conv *cv, struct xsr_err *err)
{
    cv->part_fd = cv->aside_dir = cv->with_dir = -1;
    if (cv->with && open_folder(cv->with, &cv->with_dir, err))
        return -1;
    if (!cv->aside)
        return 0;
    cv->aside_made = mkdir(cv->aside, 0700) == 0;
    if (!cv->aside_made && errno != EEXIST)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot make the folder %s",
                            cv->aside);
    return open_folder(cv->aside, &cv->aside_dir, err);
}

static void remove_parts(const struct conv *cv)
{
    for (unsigned part = 0; part < XSR_N_PARTS; part++)
        if (cv->parts_made & 1u << part)
            unlinkat(cv->aside_dir, xsr_part_name(part), 0);
    if (cv->aside_made)
        rmdir(cv->aside);
}

int conv_folders_close(struct conv *cv, bool keep, struct xsr_err *err)
{
    int rc = 0;

    xsr_close(&cv->part_fd);
    if (keep && cv->parts_made && fsync(cv->aside_dir) && errno != EINVAL) {
        rc = xsr_fail_sys(err, XSR_E_IO, errno, "the folder %s", cv->aside);
        keep = false;
    }
    if (!keep && cv->aside_dir >= 0)
        remove_parts(cv);
    else if (cv->aside_made && !cv->parts_made)
        rmdir(cv->aside);
    xsr_close(&cv->aside_dir);
    xsr_close(&cv->with_dir);
    return rc;
}

int conv_aside(void *ctx, enum xsr_part part, uint64_t len, int *fd_out,
               struct xsr_err *err)
{
    struct conv *cv = ctx;

    (void)len;
    if (cv->aside_dir < 0)
        return 0;
    xsr_close(&cv->part_fd);
    cv->part_fd =
        openat(cv->aside_dir, xsr_part_name(part),
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (cv->part_fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot create %s/%s",
                            cv->aside, xsr_part_name(part));
    cv->parts_made |= 1u << part;
    *fd_out = cv->part_fd;
    return 0;
}

int conv_aside_done(void *ctx, enum xsr_part part, struct xsr_err *err)
{
    struct conv *cv = ctx;
    int r = fsync(cv->part_fd);

    if (r && errno != EINVAL)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "%s/%s does not reach the disk", cv->aside,
                            xsr_part_name(part));
    xsr_close(&cv->part_fd);
    return 0;
}

int conv_with(void *ctx, enum xsr_part part, int *fd_out, uint64_t *len_out,
              struct xsr_err *err)
{
    struct conv *cv = ctx;
    struct stat st;

    if (cv->with_dir < 0)
        return 0;
    xsr_close(&cv->part_fd);
    cv->part_fd =
        openat(cv->with_dir, xsr_part_name(part), O_RDONLY | O_CLOEXEC);
    if (cv->part_fd < 0 && errno == ENOENT)
        return 0;
    if (cv->part_fd < 0 || fstat(cv->part_fd, &st))
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open %s/%s", cv->with,
                            xsr_part_name(part));
    if (!S_ISREG(st.st_mode))
        return xsr_fail(err, XSR_E_IO, "%s/%s is not a file", cv->with,
                        xsr_part_name(part));
    *fd_out = cv->part_fd;
    *len_out = (uint64_t)st.st_size;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * EMULATOR_CONTEXT -> the file that a device model is started from. Pieces are
 * written as they arrive to a temporary name beside the final one; only a
 * whole record gets the final name, after it has reached the disk. A device
 * model that looks too early finds nothing, never a half file.
 *
 *   open -> put ... -> commit;   remove takes either back
 */
#include "plugin/emu/emu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

/* QEMU's migration file begins with it, big-endian, and then version 3. */
#define QEMU_MAGIC "QEVM\0\0\0\3"

enum { EMU_TRADITIONAL = 1 };

int xsr_emu_check_id(const struct xsr_xl2_emu *emu, struct xsr_err *err)
{
    if (emu->id == EMU_TRADITIONAL)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "device model: the state is of "
                        "qemu-traditional (emulator id 1), a device model that "
                        "is not supported; allowed are 2 (QEMU) and 0 "
                        "(converted stream)");
    return 0;
}

void xsr_emu_file_init(struct xsr_emu_file *f)
{
    memset(f, 0, sizeof(*f));
    f->fd = -1;
}

void xsr_emu_file_fini(struct xsr_emu_file *f)
{
    xsr_close(&f->fd);
}

static int create_part(struct xsr_emu_file *f)
{
    f->fd = open(f->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 0600);
    return f->fd < 0 ? -1 : 0;
}

int xsr_emu_file_open(struct xsr_emu_file *f, const char *dir, uint32_t domid,
                      struct xsr_err *err)
{
    if (strlen(dir) + 1 > sizeof(f->dir))
        return xsr_fail(err, XSR_E_IO,
                        "name of the device model folder is "
                        "too long (%zu bytes, allowed %zu)",
                        strlen(dir), sizeof(f->dir) - 1);
    snprintf(f->dir, sizeof(f->dir), "%s", dir);
    snprintf(f->name, sizeof(f->name), "%s/qemu-resume.%u", dir, domid);
    snprintf(f->part, sizeof(f->part), "%s/qemu-resume.%u.part", dir, domid);
    /* the number is this domain's alone: what lies there is a dead run's */
    if (create_part(f) < 0 && errno == EEXIST && unlink(f->part) == 0)
        create_part(f);
    if (f->fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "device model: cannot create %s", f->part);
    f->has_part = true;
    return 0;
}

int xsr_emu_file_put(struct xsr_emu_file *f, const uint8_t *p, size_t n,
                     struct xsr_err *err)
{
    size_t k = 0;

    if (f->len < sizeof(f->first)) {
        k = xsr_min(n, sizeof(f->first) - f->len);
        memcpy(f->first + f->len, p, k);
    }
    if (xsr_write_all(f->fd, p, n, f->part, err) < 0)
        return xsr_err_prefix(err, "device model state");
    f->len += n;
    return 0;
}

int xsr_emu_file_commit(struct xsr_emu_file *f, const struct xsr_log *log,
                        struct xsr_err *err)
{
    int r;

    if (f->len < sizeof(f->first) ||
        memcmp(f->first, QEMU_MAGIC, sizeof(f->first)) != 0)
        xsr_log(log, XSR_LOG_WARN,
                "device model: the state (%llu bytes) does "
                "not begin like QEMU's (\"QEVM\", version 3); it is kept as "
                "it is",
                (unsigned long long)f->len);
    if (fsync(f->fd) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "device model: cannot write %s", f->part);
    r = close(f->fd);
    f->fd = -1;
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "device model: cannot write %s", f->part);
    if (rename(f->part, f->name) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "device model: cannot rename %s", f->part);
    f->has_part = false;
    f->has_name = true;
    return xsr_sync_dir(f->dir, err);
}

int xsr_emu_file_remove(struct xsr_emu_file *f, struct xsr_err *err)
{
    bool *const exists[2] = {&f->has_part, &f->has_name};
    const char *const path[2] = {f->part, f->name};
    int rc = 0;
    size_t i;

    xsr_close(&f->fd);
    for (i = 0; i < 2; i++) {
        if (!*exists[i])
            continue;
        if (unlink(path[i]) < 0 && errno != ENOENT)
            rc =
                xsr_fail_sys(err, XSR_E_IO, errno, "cannot remove %s", path[i]);
        else
            *exists[i] = false;
    }
    return rc;
}

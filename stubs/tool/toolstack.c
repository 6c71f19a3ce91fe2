/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim run --toolstack`: a stock toolstack (xl, libvirt) has the names
 * of Xen's folders compiled in. The command sees the host's own folders there,
 * in a mount namespace of its own; nothing changes for anybody else, and the
 * machine needs none of them.
 *
 *   DIR/dm    /var/lib/xen        DIR/etc   /etc/xen
 *   DIR/run   /run/xen            DIR/logs  /var/log/xen
 *   xensr-sim-dm                  /usr/libexec/xen-qemu-system-i386
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stubs/tool/tool.h"

#define DEVICE_MODEL "/usr/libexec/xen-qemu-system-i386"

/* What xl asks of a host that has no memory to balloon and no /var/lock. */
static const char xl_conf[] = "autoballoon=\"off\"\n"
                              "lockfile=\"/run/xen/xl.lock\"\n";

static int cannot(const char *what, const char *path)
{
    return xsr_sim_fail("cannot %s %s: %s", what, path, strerror(errno));
}

/* ---- a name that need not exist ------------------------------------------ */

static int make_empty(const char *path, bool folder)
{
    int fd = -1;

    if (folder ? mkdir(path, 0755)
               : (fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) < 0)
        return cannot("make", path);
    xsr_close(&fd);
    return XSR_SIM_OK;
}

/* The entry as it was, from the folder that is covered now. */
static int show_again(int dir, const char *parent, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX], link[PATH_MAX];
    struct stat st;
    ssize_t n;
    int rc;

    snprintf(from, sizeof(from), "/proc/self/fd/%d/%.255s", dir, name);
    snprintf(to, sizeof(to), "%.2000s/%.255s", parent, name);
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return XSR_SIM_OK; /* gone meanwhile */
    if (S_ISLNK(st.st_mode)) {
        n = readlinkat(dir, name, link, sizeof(link) - 1);
        link[n < 0 ? 0 : n] = '\0';
        return n > 0 && symlink(link, to) < 0 ? cannot("make", to) : XSR_SIM_OK;
    }
    rc = make_empty(to, S_ISDIR(st.st_mode));
    if (!rc && mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
        rc = cannot("show", to);
    return rc;
}

/*
 * Cover a folder with an empty one that shows the same entries, so that
 * others can be added without the machine's own being changed.
 */
static int cover(const char *path)
{
    xsr_auto_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : opendir(path);
    const struct dirent *e;
    int rc = XSR_SIM_OK;

    if (!d)
        return cannot("open", path);
    if (mount("xensr-sim", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
        rc = cannot("cover", path);
    while (!rc && (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            rc = show_again(fd, path, e->d_name);
    closedir(d);
    return rc;
}

static bool covered(const char *path)
{
    struct stat here, above;
    char parent[PATH_MAX];

    snprintf(parent, sizeof(parent), "%.4000s/..", path);
    return stat(path, &here) == 0 && stat(parent, &above) == 0 &&
           here.st_dev != above.st_dev && here.st_ino == 1;
}

/* Afterwards path exists, here and for nobody else. */
static int ensure(const char *path, bool folder)
{
    char parent[PATH_MAX];
    int rc;

    if (access(path, F_OK) == 0)
        return XSR_SIM_OK;
    snprintf(parent, sizeof(parent), "%.4000s", path);
    *strrchr(parent, '/') = '\0';
    if (!parent[0])
        return cannot("find", path);
    rc = ensure(parent, true);
    if (!rc && !covered(parent))
        rc = cover(parent);
    return rc ? rc : make_empty(path, folder);
}

static int show(const char *from, const char *to, bool folder)
{
    int rc = ensure(to, folder);

    if (!rc && mount(from, to, NULL, MS_BIND, NULL) < 0)
        rc = cannot("show the host's folder as", to);
    return rc;
}

/* ---- the namespace ------------------------------------------------------- */

static int write_text(const char *path, const char *text)
{
    xsr_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? cannot("write", path)
                                                       : XSR_SIM_OK;
}

static int enter_namespace(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) < 0)
        return xsr_sim_fail("a namespace of its own for the toolstack is not "
                            "permitted here: %s (run it as root)",
                            strerror(errno));
    if (uid) {
        snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)uid);
        if (write_text("/proc/self/setgroups", "deny") ||
            write_text("/proc/self/uid_map", map))
            return XSR_SIM_FAILED;
        snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)gid);
        if (write_text("/proc/self/gid_map", map))
            return XSR_SIM_FAILED;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return cannot("keep to ourselves", "/");
    return XSR_SIM_OK;
}

static int write_xl_conf(const char *host)
{
    char path[PATH_MAX];
    xsr_auto_close int fd = -1;

    snprintf(path, sizeof(path), "%.4000s/etc/xl.conf", host);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? XSR_SIM_OK : cannot("make", path);
    return write(fd, xl_conf, strlen(xl_conf)) < 0 ? cannot("write", path)
                                                   : XSR_SIM_OK;
}

/* The name that libxl uses may be a link to the other, or a folder of its own.
 */
static int show_run(const char *from)
{
    char real[PATH_MAX];
    int rc = show(from, "/run/xen", true);

    if (!rc && realpath("/var/run", real) && strcmp(real, "/run"))
        rc = show(from, "/var/run/xen", true);
    return rc;
}

int xsr_sim_enter_toolstack(const char *host, const char *stubs)
{
    static const struct {
        const char *name, *at;
    } folders[] = {{"dm", "/var/lib/xen"},
                   {"etc", "/etc/xen"},
                   {"logs", "/var/log/xen"},
                   {"run", NULL}};
    char path[PATH_MAX];
    int rc = enter_namespace();

    for (size_t i = 0; !rc && i < XSR_ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof(path), "%.4000s/%s", host, folders[i].name);
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            rc = cannot("make", path);
        if (!rc)
            rc = folders[i].at ? show(path, folders[i].at, true)
                               : show_run(path);
    }
    if (!rc)
        rc = write_xl_conf(host);
    snprintf(path, sizeof(path), "%.4000s/xensr-sim-dm", stubs);
    if (!rc)
        rc = show(path, DEVICE_MODEL, false);
    return rc;
}

/* Our helper unless another one was named: a stock one need not be there. */
int xsr_sim_name_helper(const char *stubs)
{
    static const char *const places[] = {"../bin/xensr-helper",
                                         "../../../libexec/xensr/xensr-helper"};
    char path[PATH_MAX], real[PATH_MAX];

    for (size_t i = 0; i < XSR_ARRAY_LEN(places); i++) {
        snprintf(path, sizeof(path), "%.4000s/%s", stubs, places[i]);
        if (realpath(path, real) && access(real, X_OK) == 0)
            return setenv("LIBXL_SAVE_HELPER", real, 0)
                       ? xsr_sim_fail("no memory")
                       : XSR_SIM_OK;
    }
    return XSR_SIM_OK; /* Xen's own, if it is installed */
}

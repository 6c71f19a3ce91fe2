/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The domain that is to be saved, as Xen, xenstore and a toolstack's files
 * describe it. First step of save.c. The stored configuration is from when the
 * domain was made: what may have changed since is put right, everything else
 * (disks, networks, ...) passes through untouched.
 */
#include "plugin/save/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/util.h"
#include "plugin/host/config.h"
#include "stream/limits.h"

/* ---- who is it? ---------------------------------------------------------- */

static int read_node(struct xsr_xs *xs, uint32_t domid, const char *form,
                     const char *name, char **out, struct xsr_err *err)
{
    char path[XSR_XS_PATH];

    snprintf(path, sizeof(path), "%s/%u/%s", form, domid, name);
    return xsr_xs_read(xs, path, out, err);
}

static int check_state(struct xsr_xen *xen, struct xsr_subject *s,
                       struct xsr_err *err)
{
    int rc = xsr_domain_get_state(xen, s->domid, &s->state, err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return xsr_fail(err, XSR_E_XEN, "there is no domain %u", s->domid);
    if (s->domid == 0)
        return xsr_fail(err, XSR_E_XEN, "domain 0 is the host itself");
    if (s->state.dying)
        return xsr_fail(err, XSR_E_XEN, "domain %u is being destroyed",
                        s->domid);
    if (s->state.shutdown && !xsr_domain_suspended(&s->state))
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u has shut down (%s): there is nothing of it "
                        "to save",
                        s->domid, xsr_shutdown_name(s->state.shutdown_reason));
    return 0;
}

/* HVM and PVH are the same to Xen; whoever made the domain wrote which. */
static int find_type(struct xsr_xs *xs, struct xsr_subject *s,
                     struct xsr_err *err)
{
    xsr_auto_free char *type = NULL, *stub = NULL, *dm = NULL;
    char shown[40];

    if (read_node(xs, s->domid, "/libxl", "type", &type, err) < 0 ||
        read_node(xs, s->domid, "/local/domain", "image/device-model-domid",
                  &stub, err) < 0 ||
        read_node(xs, s->domid, "/libxl", "dm-version", &dm, err) < 0)
        return -1;
    if (!s->state.hvm)
        s->type = XENSR_PV;
    else if (type && strcmp(type, "pvh") == 0)
        s->type = XENSR_PVH;
    else if (type && strcmp(type, "hvm") == 0)
        s->type = XENSR_HVM;
    else
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u: xenstore /libxl/%u/type is \"%s\", where "
                        "\"hvm\" or \"pvh\" should tell what it is",
                        s->domid, s->domid,
                        xsr_err_quote(type ? type : "", type ? strlen(type) : 0,
                                      shown, sizeof(shown)));
    if (s->type != XENSR_HVM)
        return 0;
    if (stub)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u has its device model in a stub domain, "
                        "which is not supported here",
                        s->domid);
    if (dm && strcmp(dm, "qemu_xen") != 0)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u has the device model \"%s\"; supported is "
                        "\"qemu_xen\"",
                        s->domid,
                        xsr_err_quote(dm, strlen(dm), shown, sizeof(shown)));
    return 0;
}

static void set_uuid(struct xsr_subject *s)
{
    static const char digits[] = "0123456789abcdef";
    size_t i, n = 0;

    for (i = 0; i < sizeof(s->state.uuid); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            s->uuid[n++] = '-';
        s->uuid[n++] = digits[s->state.uuid[i] >> 4];
        s->uuid[n++] = digits[s->state.uuid[i] & 15];
    }
    s->uuid[n] = '\0';
}

int xsr_subject_find(struct xsr_xen *xen, struct xsr_xs *xs, uint32_t domid,
                     struct xsr_subject *out, struct xsr_err *err)
{
    xsr_auto_free char *name = NULL;

    memset(out, 0, sizeof(*out));
    out->domid = domid;
    if (check_state(xen, out, err) < 0 || find_type(xs, out, err) < 0 ||
        read_node(xs, domid, "/local/domain", "name", &name, err) < 0)
        return -1;
    set_uuid(out);
    snprintf(out->name, sizeof(out->name), "%s", name ? name : "");
    return 0;
}

void xsr_subject_fini(struct xsr_subject *s)
{
    free(s->config);
    s->config = NULL;
}

/* ---- its configuration --------------------------------------------------- */

/* 1 = read, 0 = there is no such file, -1 = error */
static int read_file(const char *path, struct xsr_buf *out, struct xsr_err *err)
{
    xsr_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t piece[4096];
    size_t got;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open %s", path);
    do {
        if (xsr_read_upto(fd, piece, sizeof(piece), &got, path, err) < 0 ||
            xsr_buf_put(out, piece, got, err) < 0)
            return -1;
        if (out->len > XSR_MAX_XL_OPTIONAL)
            return xsr_fail(err, XSR_E_XEN,
                            "%s is larger than a configuration may be (%u "
                            "bytes)",
                            path, XSR_MAX_XL_OPTIONAL);
    } while (got == sizeof(piece));
    return 1;
}

/* libxl's copy first: it knows more than a bare domain's. */
static int read_stored(const struct xensr *x, const struct xsr_subject *s,
                       struct xsr_buf *out, char *path, struct xsr_err *err)
{
    int rc;

    snprintf(path, PATH_MAX, "%s/userdata-d.%u.%s.libxl-json", x->dm_dir,
             s->domid, s->uuid);
    rc = read_file(path, out, err);
    if (rc != 0)
        return rc;
    snprintf(path, PATH_MAX, "%s/%u.json", x->state_dir, s->domid);
    rc = read_file(path, out, err);
    if (rc != 0)
        return rc;
    return xsr_fail(err, XSR_E_XEN,
                    "no configuration of domain %u is stored in %s or %s: "
                    "give one (--config FILE)",
                    s->domid, x->dm_dir, x->state_dir);
}

static json_t *parse(const char *text, size_t len, const char *what,
                     struct xsr_err *err)
{
    json_error_t why;
    char shown[120];
    json_t *top = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

    if (!top || !json_is_object(top)) {
        xsr_fail(err, XSR_E_XEN, "%s is no JSON object: line %d: %s", what,
                 top ? 1 : why.line,
                 top ? "something else"
                     : xsr_err_quote(why.text, strlen(why.text), shown,
                                     sizeof(shown)));
        json_decref(top);
        return NULL;
    }
    return top;
}

/* *out is only set where the node holds a number. */
static int read_number(struct xsr_xs *xs, uint32_t domid, const char *name,
                       uint64_t *out, struct xsr_err *err)
{
    xsr_auto_free char *text = NULL;
    unsigned long long n;
    char *end;

    if (read_node(xs, domid, "/local/domain", name, &text, err) < 0)
        return -1;
    if (!text || !*text)
        return 0;
    n = strtoull(text, &end, 10);
    if (!*end && n <= INT64_MAX)
        *out = n;
    return 0;
}

/* The balloon target, which does not count an HVM guest's video memory. */
static int update_memory(struct xsr_xs *xs, const struct xsr_subject *s,
                         json_t *build, struct xsr_err *err)
{
    uint64_t target = 0, video = 0, max = 0;

    if (read_number(xs, s->domid, "memory/target", &target, err) < 0 ||
        read_number(xs, s->domid, "memory/videoram", &video, err) < 0 ||
        read_number(xs, s->domid, "memory/static-max", &max, err) < 0)
        return -1;
    if (s->type == XENSR_HVM && target)
        target += video;
    if (max)
        json_object_set_new(build, "max_memkb", json_integer((json_int_t)max));
    if (target)
        json_object_set_new(
            build, "target_memkb",
            json_integer((json_int_t)(max ? xsr_min(target, max) : target)));
    return 0;
}

static int update_vcpus(struct xsr_xs *xs, const struct xsr_subject *s,
                        json_t *build, struct xsr_err *err)
{
    json_int_t n = json_integer_value(json_object_get(build, "max_vcpus")), i;
    json_t *online = json_array();
    char name[48];

    for (i = 0; online && i < n && i < XSR_MAX_CONFIG_VCPUS; i++) {
        xsr_auto_free char *text = NULL;

        snprintf(name, sizeof(name), "cpu/%d/availability", (int)i);
        if (read_node(xs, s->domid, "/local/domain", name, &text, err) < 0) {
            json_decref(online);
            return -1;
        }
        if (!text) /* nobody has written them: what was stored stays */
            break;
        if (strcmp(text, "online") == 0)
            json_array_append_new(online, json_integer(i));
    }
    if (n > 0 && i == n && json_array_size(online))
        json_object_set(build, "avail_vcpus", online);
    json_decref(online);
    return 0;
}

/* Domain numbers come back; a file of one that is gone must not be believed. */
static int check_owner(const struct xsr_subject *s, const json_t *create,
                       struct xsr_err *err)
{
    const char *uuid = json_string_value(json_object_get(create, "uuid"));
    char shown[64];

    if (!uuid || strcasecmp(uuid, s->uuid) == 0)
        return 0;
    return xsr_fail(err, XSR_E_XEN,
                    "the configuration stored for domain %u is that of an "
                    "earlier domain of this number (UUID %s, this one is %s): "
                    "give one (--config FILE)",
                    s->domid,
                    xsr_err_quote(uuid, strlen(uuid), shown, sizeof(shown)),
                    s->uuid);
}

static int update(struct xsr_xs *xs, const struct xsr_subject *s, json_t *top,
                  struct xsr_err *err)
{
    json_t *create = json_object_get(top, "c_info");
    json_t *build = json_object_get(top, "b_info");

    if (check_owner(s, create, err) < 0)
        return -1;
    if (!json_is_object(create) || !json_is_object(build))
        return xsr_fail(err, XSR_E_XEN,
                        "the stored configuration has no c_info or no b_info");
    if (s->name[0])
        json_object_set_new(create, "name", json_string(s->name));
    /* the number is this host's choice, not the next one's */
    json_object_del(create, "domid");
    if (update_memory(xs, s, build, err) < 0)
        return -1;
    return update_vcpus(xs, s, build, err);
}

static int check_vnuma(const json_t *top, struct xsr_err *err)
{
    const json_t *build = json_object_get(top, "b_info");

    if (json_array_size(json_object_get(build, "vnuma_nodes")))
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "the domain has virtual NUMA nodes, which a save file "
                        "cannot carry");
    return 0;
}

static char *dump(json_t *top, struct xsr_err *err)
{
    char *text = json_dumps(top, JSON_INDENT(4));

    if (!text)
        xsr_fail(err, XSR_E_NOMEM, "no memory for the configuration");
    return text;
}

int xsr_subject_read_config(struct xensr *x, struct xsr_xs *xs,
                            const char *given, struct xsr_subject *s,
                            struct xsr_err *err)
{
    struct xsr_buf stored = XSR_BUF_INIT;
    char path[PATH_MAX] = "the given configuration";
    json_t *top = NULL;
    int rc = -1;

    if (given) {
        top = parse(given, strlen(given), path, err);
        if (!top)
            x->usage = true;
        else if (check_vnuma(top, err) == 0)
            rc = (s->config = strdup(given))
                     ? 0
                     : xsr_fail(err, XSR_E_NOMEM,
                                "no memory for the configuration");
    } else if (read_stored(x, s, &stored, path, err) > 0) {
        size_t len = stored.len;

        while (len && stored.p[len - 1] == '\0')
            len--; /* libxl stores its NUL, too */
        top = parse((const char *)stored.p, len, path, err);
        if (top && check_vnuma(top, err) == 0 && update(xs, s, top, err) == 0)
            rc = (s->config = dump(top, err)) ? 0 : -1;
    }
    json_decref(top);
    xsr_buf_fini(&stored);
    return rc;
}

/* ---- one at a time ------------------------------------------------------- */

static void lock_path(const struct xensr *x, uint32_t domid, char *out)
{
    snprintf(out, PATH_MAX, "%s/%u.saving", x->state_dir, domid);
}

/* The file may have been removed by its last holder meanwhile. */
static bool still_there(const char *path, int fd)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

int xsr_subject_lock(struct xensr *x, uint32_t domid, int *fd_out,
                     struct xsr_err *err)
{
    char path[PATH_MAX];
    int fd;

    lock_path(x, domid, path);
    if (mkdir(x->state_dir, 0700) == 0)
        x->made_state_dir = true;
    for (;;) {
        fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "cannot create %s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            int why = errno;

            close(fd);
            if (why == EWOULDBLOCK)
                return xsr_fail(err, XSR_E_XEN,
                                "domain %u is being saved already", domid);
            return xsr_fail_sys(err, XSR_E_IO, why, "cannot lock %s", path);
        }
        if (still_there(path, fd))
            break;
        close(fd);
    }
    *fd_out = fd;
    return 0;
}

void xsr_subject_unlock(struct xensr *x, uint32_t domid, int *fd)
{
    char path[PATH_MAX];

    if (*fd < 0)
        return;
    lock_path(x, domid, path);
    unlink(path);
    xsr_close(fd);
    if (x->made_state_dir)
        rmdir(x->state_dir); /* fails when others use it by now */
    x->made_state_dir = false;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of the machine's devices: a fresh one from the guest's identity,
 * or one that a stream brought, judged section by section as QEMU does it: the
 * device must be there, its version known, its fields and subsections exactly
 * as long as the device reads; the octet 0 where a section may begin ends it.
 * What was read is kept octet for octet, so that the next save repeats it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stubs/dm/devices.h"
#include "stubs/dm/dm.h"

enum {
    SECTION_EOF = 0,
    SECTION_FULL = 4,
    SUBSECTION = 5,
    TIMER_LEN = 24,
    PCI_VERSION = 2,
    MAX_STATE = 64 << 20,
    CHUNK = 32 << 10
};

static const uint8_t head[8] = {'Q', 'E', 'V', 'M', 0, 0, 0, 3};

/* ---- a fresh machine ----------------------------------------------------- */

static void st_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static int put_be32(struct xsr_buf *b, uint32_t v, struct xsr_err *err)
{
    uint8_t bytes[4];

    st_be32(bytes, v);
    return xsr_buf_put(b, bytes, sizeof(bytes), err);
}

static int put_name(struct xsr_buf *b, const char *path, const char *name,
                    struct xsr_err *err)
{
    uint8_t len = (uint8_t)(strlen(path) + strlen(name));

    if (xsr_buf_put(b, &len, 1, err) < 0 ||
        xsr_buf_put(b, path, strlen(path), err) < 0)
        return -1;
    return xsr_buf_put(b, name, strlen(name), err);
}

/* The guest's own traces, as in CMOS RAM: which guest's state it is shows. */
static void mark(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(seed >> 56);
    }
}

static int put_section(struct xsr_dm_blob *blob, const struct xsr_dm_device *d,
                       uint32_t instance, uint64_t seed, struct xsr_err *err)
{
    static const uint8_t full = SECTION_FULL;
    struct xsr_buf *b = &blob->bytes;
    char path[32] = "";
    uint8_t *body;

    if (d->slot)
        snprintf(path, sizeof(path), "0000:00:%s/", d->slot);
    if (xsr_buf_put(b, &full, 1, err) < 0 ||
        put_be32(b, blob->n_sections++, err) < 0 ||
        put_name(b, path, d->name, err) < 0 || put_be32(b, instance, err) < 0 ||
        put_be32(b, d->version, err) < 0)
        return -1;
    if (!strcmp(d->name, "timer"))
        blob->timer_pos = b->len;
    if (xsr_buf_put_zero(b, d->len, err) < 0)
        return -1;
    body = b->p + b->len - d->len;
    if (d->slot) {
        st_be32(body, PCI_VERSION);
        for (int i = 0; i < 4; i++) /* configuration space is little-endian */
            body[4 + i] = (uint8_t)(d->pci_id >> 8 * i);
    }
    if (!strcmp(d->name, "mc146818rtc"))
        mark(body + 14, 114, seed); /* CMOS RAM behind the clock */
    if (!strcmp(d->name, "cirrus_vga"))
        mark(body + d->len - 768, 768, ~seed); /* its palette */
    return 0;
}

int xsr_dm_blob_fresh(struct xsr_dm_blob *blob, const uint8_t uuid[16],
                      uint32_t n_cpus, struct xsr_err *err)
{
    static const uint8_t end = SECTION_EOF;
    uint64_t seed = 0;

    for (int i = 0; i < 16; i++)
        seed = seed * 257 + uuid[i];
    if (xsr_buf_put(&blob->bytes, head, sizeof(head), err) < 0)
        return -1;
    for (size_t i = 0; i < xsr_dm_n_devices; i++) {
        const struct xsr_dm_device *d = &xsr_dm_devices[i];
        uint32_t n = d->n ? d->n : n_cpus;

        for (uint32_t k = 0; d->fresh && k < n; k++)
            if (put_section(blob, d, k, seed, err) < 0)
                return -1;
    }
    return xsr_buf_put(&blob->bytes, &end, 1, err);
}

/* ---- state from elsewhere ------------------------------------------------ */

struct loader {
    struct xsr_dm_blob *blob;
    int fd;
    uint32_t n_cpus;
    size_t pos; /* in blob->bytes, which holds what has been fetched */
    char idstr[256];
    struct xsr_err *err;
};

/* The next n octets are there: 0. Where they are: at pos, which moves on. */
static int want(struct loader *l, size_t n)
{
    struct xsr_buf *b = &l->blob->bytes;
    ssize_t r;

    while (b->len - l->pos < n) {
        if (b->len > MAX_STATE)
            return xsr_fail(l->err, XSR_E_LIMIT, "more than %d octets",
                            MAX_STATE);
        if (xsr_buf_reserve(b, CHUNK, l->err) < 0)
            return -1;
        r = read(l->fd, b->p + b->len, CHUNK);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return xsr_fail_sys(l->err, XSR_E_IO, errno, "cannot be read");
        if (r == 0)
            return xsr_fail(l->err, XSR_E_EOF,
                            "ends after %zu octets, %s%s where %zu more are "
                            "due",
                            b->len, l->idstr[0] ? "in " : "early", l->idstr,
                            n - (b->len - l->pos));
        b->len += (size_t)r;
    }
    l->pos += n;
    return 0;
}

static const uint8_t *last(const struct loader *l, size_t n)
{
    return l->blob->bytes.p + l->pos - n;
}

static int get_u8(struct loader *l, uint8_t *out)
{
    if (want(l, 1) < 0)
        return -1;
    *out = *last(l, 1);
    return 0;
}

static int get_be32(struct loader *l, uint32_t *out)
{
    const uint8_t *p;

    if (want(l, 4) < 0)
        return -1;
    p = last(l, 4);
    *out = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
    return 0;
}

static int get_name(struct loader *l, char out[256])
{
    uint8_t len;

    if (get_u8(l, &len) < 0 || want(l, len) < 0)
        return -1;
    memcpy(out, last(l, len), len);
    out[len] = '\0';
    return 0;
}

/* A path on a bus in front of the name does not tell devices apart here. */
static const struct xsr_dm_device *find_device(const char *idstr)
{
    const char *name = strrchr(idstr, '/');

    name = name ? name + 1 : idstr;
    for (size_t i = 0; i < xsr_dm_n_devices; i++)
        if (!strcmp(xsr_dm_devices[i].name, name))
            return &xsr_dm_devices[i];
    return NULL;
}

static const struct xsr_dm_subsection *find_subsection(
    const struct xsr_dm_device *d, const char *name)
{
    for (size_t i = 0; i < XSR_DM_SUBSECTIONS; i++)
        if (d->sub[i].name && !strcmp(d->sub[i].name, name))
            return &d->sub[i];
    return NULL;
}

/*
 * Subsections of d, if any follow: what begins like one but has another
 * owner's name is the next thing's business.
 */
static int load_subsections(struct loader *l, const struct xsr_dm_device *d)
{
    const struct xsr_dm_subsection *sub;
    size_t start;
    char name[256], shown[90];
    uint32_t version;
    uint8_t type;

    for (;;) {
        start = l->pos;
        if (get_u8(l, &type) < 0)
            return -1;
        if (type != SUBSECTION) {
            l->pos = start;
            return 0;
        }
        if (get_name(l, name) < 0)
            return -1;
        if (strlen(name) <= strlen(d->name) ||
            strncmp(name, d->name, strlen(d->name))) {
            l->pos = start;
            return 0;
        }
        sub = find_subsection(d, name);
        if (!sub)
            return xsr_fail(
                l->err, XSR_E_UNSUPPORTED,
                "Failed to load %s: subsection \"%s\" is not known", d->name,
                xsr_err_quote(name, strlen(name), shown, sizeof(shown)));
        if (get_be32(l, &version) < 0 || want(l, sub->len) < 0)
            return -1;
    }
}

static int check_device(struct loader *l, const struct xsr_dm_device *d,
                        uint32_t instance, uint32_t version)
{
    char shown[90];

    xsr_err_quote(l->idstr, strlen(l->idstr), shown, sizeof(shown));
    if (!d || instance >= (d->n ? d->n : l->n_cpus))
        return xsr_fail(l->err, XSR_E_UNSUPPORTED,
                        "Unknown savevm section or instance '%s' %u. Make "
                        "sure that your current VM setup matches your saved "
                        "VM setup",
                        shown, instance);
    if (version > d->version)
        return xsr_fail(l->err, XSR_E_UNSUPPORTED,
                        "savevm: unsupported version %u for '%s' v%u", version,
                        shown, d->version);
    if (version < d->min)
        return xsr_fail(l->err, XSR_E_UNSUPPORTED,
                        "%s: version %u is too old, the oldest is %u", shown,
                        version, d->min);
    return 0;
}

static int load_section(struct loader *l)
{
    const struct xsr_dm_device *d;
    uint32_t id, instance, version;

    if (get_be32(l, &id) < 0 || get_name(l, l->idstr) < 0 ||
        get_be32(l, &instance) < 0 || get_be32(l, &version) < 0)
        return -1;
    d = find_device(l->idstr);
    if (check_device(l, d, instance, version) < 0)
        return -1;
    if (!strcmp(d->name, "timer"))
        l->blob->timer_pos = l->pos;
    if (want(l, d->len) < 0)
        return -1;
    if (!strcmp(d->name, "platform") || !strcmp(d->name, "cirrus_vga") ||
        d->slot) {
        const uint8_t *pci = last(l, d->len);

        if (pci[0] || pci[1] || pci[2] || pci[3] > PCI_VERSION)
            return xsr_fail(l->err, XSR_E_FORMAT,
                            "Failed to load %s:parent_obj", d->name);
    }
    l->blob->n_sections++;
    return load_subsections(l, d);
}

static int load_all(struct loader *l)
{
    uint8_t type;

    if (want(l, sizeof(head)) < 0)
        return -1;
    if (memcmp(last(l, sizeof(head)), head, 4))
        return xsr_fail(l->err, XSR_E_FORMAT, "Not a migration stream");
    if (memcmp(last(l, sizeof(head)), head, sizeof(head)))
        return xsr_fail(l->err, XSR_E_UNSUPPORTED,
                        "Unsupported migration stream version");
    for (;;) {
        if (get_u8(l, &type) < 0)
            return -1;
        if (type == SECTION_EOF)
            return 0;
        if (type != SECTION_FULL)
            return xsr_fail(l->err, XSR_E_FORMAT,
                            "Unknown savevm section type %u%s%.80s", type,
                            l->idstr[0] ? " behind " : "", l->idstr);
        if (load_section(l) < 0)
            return -1;
    }
}

int xsr_dm_blob_load(struct xsr_dm_blob *blob, int fd, uint32_t n_cpus,
                     struct xsr_err *err)
{
    struct loader l = {blob, fd, n_cpus, 0, "", err};

    xsr_dm_blob_fini(blob);
    if (load_all(&l) < 0) {
        xsr_dm_blob_fini(blob);
        return -1;
    }
    blob->bytes.len = l.pos; /* nobody looks behind the end */
    return 0;
}

/* ---- both ---------------------------------------------------------------- */

/* The machine's clock is the first field, in nanoseconds, big-endian. */
void xsr_dm_blob_advance(struct xsr_dm_blob *blob, uint64_t ns)
{
    uint8_t *p = blob->bytes.p + blob->timer_pos;
    uint64_t v = 0;

    if (!blob->timer_pos)
        return;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    v += ns;
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

void xsr_dm_blob_fini(struct xsr_dm_blob *blob)
{
    xsr_buf_fini(&blob->bytes);
    memset(blob, 0, sizeof(*blob));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The toolstack chunk of libxl 4.2 to 4.5: where QEMU had put memory regions
 * (physmap). Each entry becomes two or three xenstore keys, as a v2 stream has
 * them. A 64-bit libxl advanced by the padded size of its structure and so
 * left 4 bytes of whatever it had behind each name; they are stepped over.
 */
#include "stream/legacy/legacy.h"

#include "stream/xskeys.h"

#define ENTRY_LEN   28u
#define STRAY_BYTES 4u

struct physmap {
    uint64_t phys, start, size;
    uint32_t name_len;
    const uint8_t *name; /* with its NUL; NULL: QEMU gave none */
};

static int get_name(struct xsr_cur *cur, uint8_t width, struct physmap *out,
                    struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    const uint8_t *stray, *nul;

    out->name = NULL;
    if (out->name_len > XSR_MAX_LEGACY_TOOLSTACK ||
        out->name_len > xsr_cur_left(cur)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "chunk toolstack data: found a name of %u bytes, %zu are "
                 "left",
                 out->name_len, xsr_cur_left(cur));
        return xsr_err_at(err, at);
    }
    if (out->name_len) {
        xsr_get_view(cur, out->name_len, &out->name, "physmap name", err);
        nul = memchr(out->name, '\0', out->name_len);
        if (nul != out->name + out->name_len - 1) {
            xsr_fail(err, XSR_E_FORMAT,
                     nul ? "chunk toolstack data: found a NUL inside a name"
                         : "chunk toolstack data: found no NUL behind a name");
            return xsr_err_at(err, at);
        }
    }
    return width == 8 ? xsr_get_view(cur, STRAY_BYTES, &stray,
                                     "chunk toolstack data: 4 bytes behind a "
                                     "name (64-bit toolstack)",
                                     err)
                      : 0;
}

static int get_entry(struct xsr_cur *cur, uint8_t width, struct physmap *out,
                     struct xsr_err *err)
{
    if (xsr_get_u64(cur, &out->phys, "physmap offset", err) ||
        xsr_get_u64(cur, &out->start, "physmap start address", err) ||
        xsr_get_u64(cur, &out->size, "physmap size", err) ||
        xsr_get_u32(cur, &out->name_len, "length of a physmap name", err))
        return -1;
    return get_name(cur, width, out, err);
}

static int put_entry(const struct physmap *e, struct xsr_buf *keys,
                     struct xsr_err *err)
{
    unsigned long long phys = e->phys;

    if (xsr_buf_printf(keys, err, "physmap/%llx/start_addr%c%llx%c", phys, 0,
                       (unsigned long long)e->start, 0) ||
        xsr_buf_printf(keys, err, "physmap/%llx/size%c%llx%c", phys, 0,
                       (unsigned long long)e->size, 0))
        return -1;
    if (!e->name)
        return 0;
    if (xsr_buf_printf(keys, err, "physmap/%llx/name%c", phys, 0) ||
        xsr_buf_put(keys, e->name, e->name_len, err))
        return -1;
    return 0;
}

static int check_head(uint32_t version, uint32_t count, struct xsr_err *err)
{
    if (version != 1)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "chunk toolstack data: found version %u, allowed 1",
                        version);
    if (count > XSR_MAX_PHYSMAP_ENTRIES)
        return xsr_fail(err, XSR_E_LIMIT,
                        "chunk toolstack data: found %u physmap entries, "
                        "allowed at most %u",
                        count, XSR_MAX_PHYSMAP_ENTRIES);
    return 0;
}

int xsr_lg_get_toolstack(struct xsr_cur *cur, uint8_t width,
                         struct xsr_buf *keys, uint32_t *n_out,
                         struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    uint32_t version, count;
    struct xsr_xskeys judged;
    struct xsr_cur list;
    struct physmap e;
    size_t from = keys->len;

    if (xsr_get_u32(cur, &version, "toolstack data version", err) ||
        xsr_get_u32(cur, &count, "number of physmap entries", err))
        return -1;
    if (check_head(version, count, err))
        return xsr_err_at(err, at);
    for (uint32_t i = 0; i < count; i++)
        if (get_entry(cur, width, &e, err) || put_entry(&e, keys, err))
            return -1;
    if (xsr_cur_end(cur, "chunk toolstack data", err))
        return -1;
    *n_out = count;
    xsr_cur_init(&list, keys->p, keys->len, at);
    list.pos = from;
    if (xsr_xskeys_get(&list, &judged, err)) {
        err->offset = at; /* not in the list that was made of it */
        return xsr_err_prefix(err, "chunk toolstack data");
    }
    xsr_xskeys_fini(&judged);
    return 0;
}

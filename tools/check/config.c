/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front of an xl save file: header, optional data, and the configuration
 * in it (libxl's JSON), as far as a restore depends on it. What it says of the
 * guest is kept and compared with the image at the end.
 */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/xlfile.h"
#include "tools/check/check.h"

#define MAX_JSON      (256u << 10) /* libxl's are below 64 KiB */
#define MAX_HVM_VCPUS 128u
#define MAX_PV_VCPUS  8192u
/* What libxl lets a domain have beside max_memkb: 1 MiB, and some more for the
 * pages that the toolstack itself puts into a guest. */
#define SLACK_KB      2048u

/* ---- header -------------------------------------------------------------- */

static const uint8_t magic_end[] = {'\n', ' ', 0, ' ', '\r'};

static bool judge_header(struct chk *c, const uint8_t *p, uint64_t at,
                         uint32_t *flags_out, uint32_t *len_out)
{
    uint32_t order = xsr_le32(p + 32), optional = xsr_le32(p + 40);

    if (memcmp(p, "Xen saved domain, xl format", 27) != 0 ||
        memcmp(p + 27, magic_end, sizeof magic_end) != 0) {
        chk_find(c, CHK_XL_MAGIC, at,
                 "the magic differs from xl's; a tool that converts text, or "
                 "a transfer in text mode, does that");
        return false;
    }
    if (order != 0x01020304) {
        chk_find(c, order == 0x04030201 ? CHK_XL_BIG_ENDIAN : CHK_XL_BYTE_ORDER,
                 at + 32, "byte order mark 0x%08x, allowed 0x01020304", order);
        return false;
    }
    *flags_out = xsr_le32(p + 36);
    *len_out = xsr_le32(p + 44);
    if (*flags_out & ~(XSR_XLFILE_JSON | XSR_XLFILE_STREAM_V2))
        chk_find(c, CHK_XL_FLAGS, at + 36,
                 "mandatory flags 0x%x, known are 0x3: a newer xl wrote this",
                 *flags_out);
    if (optional)
        chk_find(c, CHK_XL_OPTIONAL_FLAGS, at + 40, "optional flags 0x%x",
                 optional);
    if (*len_out > XSR_MAX_XL_OPTIONAL)
        chk_find(c, CHK_XL_LENGTH, at + 44,
                 "%u octets of optional data, allowed at most %u", *len_out,
                 XSR_MAX_XL_OPTIONAL);
    return true;
}

/* ---- configuration ------------------------------------------------------- */

static bool is_uuid(const char *s)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == 'x' ? !isxdigit((unsigned char)s[i]) : s[i] != form[i])
            return false;
    return true;
}

static bool is_name(const char *s)
{
    size_t n = strlen(s), i;

    for (i = 0; i < n && s[i] > ' ' && s[i] < 0x7f && s[i] != '/'; i++)
        ;
    return n && n < 128 && i == n && strspn(s, "0123456789") < n;
}

static bool is_true(const json_t *v)
{
    const char *s = json_string_value(v);

    return json_is_true(v) || (s && !strcasecmp(s, "true"));
}

static void judge_identity(struct chk *c, json_t *create, uint64_t at)
{
    const char *type = json_string_value(json_object_get(create, "type"));
    const char *name = json_string_value(json_object_get(create, "name"));
    const char *uuid = json_string_value(json_object_get(create, "uuid"));
    char shown[60];

    if (!type ||
        (strcmp(type, "pv") && strcmp(type, "pvh") && strcmp(type, "hvm")))
        chk_find(c, CHK_CONFIG_TYPE, at,
                 "c_info.type is %s, allowed pv, pvh "
                 "or hvm",
                 type ? xsr_err_quote(type, strlen(type), shown, sizeof shown)
                      : "missing");
    else
        snprintf(c->f.type, sizeof c->f.type, "%s", type);
    if (is_true(json_object_get(create, "pvh")))
        chk_find(c, CHK_CONFIG_OLD_PVH, at, "c_info.pvh is set");
    if (name && *name && !is_name(name))
        chk_find(c, CHK_CONFIG_NAME, at, "the name is \"%s\"",
                 xsr_err_quote(name, strlen(name), shown, sizeof shown));
    if (name)
        xsr_err_quote(name, strlen(name), c->f.name, sizeof c->f.name);
    if (!uuid || !is_uuid(uuid))
        chk_find(c, CHK_CONFIG_UUID, at, "c_info.uuid is %s",
                 uuid ? xsr_err_quote(uuid, strlen(uuid), shown, sizeof shown)
                      : "missing");
    else
        snprintf(c->f.uuid, sizeof c->f.uuid, "%s", uuid);
}

static void judge_avail(struct chk *c, json_t *list, uint64_t at)
{
    json_t *v;
    size_t i;

    if (!list) {
        c->avail[0] = 1; /* libxl's default */
        c->f.n_avail = 1;
        return;
    }
    if (!json_is_array(list)) {
        chk_find(c, CHK_CONFIG_VCPUS, at, "avail_vcpus is no list");
        return;
    }
    json_array_foreach(list, i, v)
    {
        json_int_t n = json_integer_value(v);

        if (!json_is_integer(v) || n < 0 || n >= c->f.max_vcpus) {
            chk_find(c, CHK_CONFIG_VCPUS, at,
                     "entry %zu of avail_vcpus is no vCPU, allowed 0 to %u", i,
                     c->f.max_vcpus - 1);
            continue;
        }
        c->f.n_avail += !(c->avail[n / 8] >> n % 8 & 1);
        c->avail[n / 8] |= (uint8_t)(1u << n % 8);
    }
}

static void judge_vcpus(struct chk *c, json_t *build, uint64_t at)
{
    json_t *v = json_object_get(build, "max_vcpus");
    uint32_t limit = strcmp(c->f.type, "pv") ? MAX_HVM_VCPUS : MAX_PV_VCPUS;
    json_int_t n = v ? json_integer_value(v) : 1;

    if ((v && !json_is_integer(v)) || n < 1 || n > limit)
        chk_find(c, CHK_CONFIG_VCPUS, at,
                 "max_vcpus is %s%lld, allowed 1 to "
                 "%u",
                 v && !json_is_integer(v) ? "no number: " : "", (long long)n,
                 limit);
    c->f.max_vcpus = n < 1 || n > limit ? limit : (uint32_t)n;
    judge_avail(c, json_object_get(build, "avail_vcpus"), at);
}

static void judge_memory(struct chk *c, json_t *build, uint64_t at)
{
    json_t *max = json_object_get(build, "max_memkb");
    json_t *target = json_object_get(build, "target_memkb");
    json_t *video = json_object_get(build, "video_memkb");

    if (!json_is_integer(max) || json_integer_value(max) < 64 ||
        json_integer_value(max) > (json_int_t)16 << 30) {
        chk_find(c, CHK_CONFIG_MEMORY, at,
                 "max_memkb is %s, allowed 64 kB to 16 TiB",
                 max ? "no such number" : "missing");
        return;
    }
    c->f.max_memkb = (uint64_t)json_integer_value(max);
    if (target && (!json_is_integer(target) ||
                   json_integer_value(target) > json_integer_value(max)))
        chk_find(c, CHK_CONFIG_MEMORY, at,
                 "target_memkb is %lld, allowed up to max_memkb %llu",
                 (long long)json_integer_value(target),
                 (unsigned long long)c->f.max_memkb);
    if (json_is_integer(video) && json_integer_value(video) > 0)
        c->f.video_memkb = (uint64_t)json_integer_value(video);
}

static void judge_json(struct chk *c, const char *text, size_t len, uint64_t at)
{
    json_error_t e;
    json_t *root = json_loadb(text, len, 0, &e);
    json_t *create = json_object_get(root, "c_info");
    json_t *build = json_object_get(root, "b_info");

    if (!root)
        chk_find(c, CHK_CONFIG_JSON,
                 at + (e.position > 0 ? (uint64_t)e.position : 0),
                 "no JSON: %s in line %d", e.text, e.line);
    else if (!json_is_object(create) || !json_is_object(build))
        chk_find(c, CHK_CONFIG_JSON, at, "the configuration has no %s",
                 json_is_object(create) ? "b_info" : "c_info");
    else {
        c->f.have_config = true;
        judge_identity(c, create, at);
        judge_vcpus(c, build, at);
        judge_memory(c, build, at);
    }
    json_decref(root);
}

/* ---- optional data ------------------------------------------------------- */

/* left: what the optional data have behind the length. */
static bool judge_config(struct chk *c, uint32_t len, uint32_t left,
                         uint32_t flags)
{
    uint64_t at = chk_at(c);
    xsr_auto_free char *text = NULL;
    const uint8_t *p;
    size_t have = 0;

    if (len > MAX_JSON) {
        chk_find(c, CHK_CONFIG_SIZE, at, "%u octets of configuration", len);
        return chk_src_skip(&c->src, left);
    }
    text = malloc((size_t)len + 1);
    while (text && have < len) {
        size_t n = xsr_min(CHK_LOOK_MAX, len - have);

        if (!(p = chk_src_take(&c->src, n)))
            return false;
        memcpy(text + have, p, n);
        have += n;
    }
    if (text && flags & XSR_XLFILE_JSON) {
        if (memchr(text, 0, len) != text + len - 1)
            chk_find(c, CHK_XL_CONFIG_NUL, at + len - 1,
                     "the configuration of %u octets %s", len,
                     memchr(text, 0, len) ? "has a NUL in the middle"
                                          : "does not end with a NUL");
        judge_json(c, text, strnlen(text, len), at);
    }
    return chk_src_skip(&c->src, left - len);
}

static bool judge_optional(struct chk *c, uint32_t total, uint32_t flags)
{
    uint64_t at = chk_at(c);
    const uint8_t *p;
    uint32_t len;
    bool whole;

    if (!total) {
        chk_find(c, CHK_XL_CONFIG_NONE, at, "there are no optional data");
        return true;
    }
    if (total < 4) {
        chk_find(c, CHK_XL_CONFIG_LENGTH, at,
                 "%u octets of optional data, too few for a length", total);
        return chk_src_skip(&c->src, total);
    }
    if (!(p = chk_src_take(&c->src, 4)))
        return false;
    len = xsr_le32(p);
    if (len > total - 4) {
        chk_find(c, CHK_XL_CONFIG_LENGTH, at,
                 "configuration of %u octets in optional data of %u", len,
                 total);
        return chk_src_skip(&c->src, total - 4);
    }
    if (!len)
        chk_find(c, CHK_XL_CONFIG_NONE, at, "the configuration is empty");
    whole = len ? judge_config(c, len, total - 4, flags)
                : chk_src_skip(&c->src, total - 4);
    if (whole && len < total - 4)
        chk_find(c, CHK_XL_MORE, at + 4 + len,
                 "%u octets behind the configuration are not looked at",
                 total - 4 - len);
    return whole;
}

bool chk_xl_file(struct chk *c)
{
    uint64_t at = chk_at(c);
    const uint8_t *p = chk_src_take(&c->src, XSR_XLFILE_HDR_LEN);
    uint32_t flags, len;

    c->f.format = "xl save file";
    if (!p) {
        chk_find(c, CHK_XL_CUT, at, "the input ends inside the xl header");
        return false;
    }
    if (!judge_header(c, p, at, &flags, &len))
        return false;
    chk_row(c, CHK_FILE, 0, "xl header", at, XSR_XLFILE_HDR_LEN);
    if (len)
        chk_row(c, CHK_FILE, 1, "configuration", chk_at(c), len);
    if (!judge_optional(c, len, flags)) {
        chk_find(c, CHK_XL_CUT, chk_at(c),
                 "the input ends inside %u octets of optional data", len);
        return false;
    }
    if (!(flags & XSR_XLFILE_STREAM_V2)) {
        chk_find(c, CHK_INPUT_LEGACY, at + 36,
                 "the xl header announces an image of Xen 4.5 or older; "
                 "convert it first (xensr convert)");
        return false;
    }
    if (!(flags & XSR_XLFILE_JSON) && len)
        chk_find(c, CHK_XL_CONFIG_TEXT, at + 36,
                 "the configuration is an xl configuration file, not JSON");
    return true;
}

/* ---- at the end ---------------------------------------------------------- */

void chk_config_against_state(struct chk *c)
{
    uint64_t kb = c->f.n_pages * 4;

    /* of an image that is cut off, much is not known */
    if (!c->f.have_config || !(c->image_done || c->found.n_cuts))
        return;
    if (c->f.n_states && c->f.max_vcpu >= c->f.max_vcpus)
        chk_find(c, CHK_CONFIG_VCPU_STATE, chk_at(c),
                 "state of vCPU %u, the configuration has max_vcpus %u",
                 c->f.max_vcpu, c->f.max_vcpus);
    else if (c->f.n_states && c->f.n_states < c->f.n_avail)
        chk_find(c, CHK_CONFIG_VCPU_OFFLINE, chk_at(c),
                 "%u of %u vCPUs of avail_vcpus have state", c->f.n_states,
                 c->f.n_avail);
    if (c->f.max_memkb && kb > c->f.max_memkb + SLACK_KB)
        chk_find(c, CHK_CONFIG_MEMORY_SMALL, chk_at(c),
                 "%llu kB of pages, max_memkb is %llu", (unsigned long long)kb,
                 (unsigned long long)c->f.max_memkb);
}

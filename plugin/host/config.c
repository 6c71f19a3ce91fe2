/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl's JSON configuration -> struct xsr_config. The text comes from the
 * save file and is judged like any other input: every member that is used is
 * checked for type and range, what a bare domain cannot have is named in
 * "dropped", and what would change the guest is refused. Called by restore.c
 * before anything is created.
 *
 * libxl leaves members at their default out, and writes its three-valued
 * booleans as the strings "True" and "False".
 */
#include "plugin/host/config.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/util.h"

/* 16 TiB: beyond it Xen refuses, and kB * 1024 cannot overflow. */
#define MAX_MEMKB (16ull << 30)
#define MIN_MEMKB 64u

/* Bounds that the hypervisor puts on the two kinds of guests. */
#define MAX_HVM_VCPUS 128u

struct reader {
    json_t *create, *build, *guest, *arch; /* borrowed; NULL if absent */
    struct xsr_err *err;
};

/* ---- members ------------------------------------------------------------ */

static int get_number(struct reader *rd, json_t *object, const char *key,
                      uint64_t min, uint64_t max, uint64_t *out)
{
    json_t *v = json_object_get(object, key);
    json_int_t n;

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v))
        return xsr_fail(rd->err, XSR_E_FORMAT,
                        "configuration: \"%s\" is not a number", key);
    n = json_integer_value(v);
    if (n < 0 || (uint64_t)n < min || (uint64_t)n > max)
        return xsr_fail(rd->err, XSR_E_LIMIT,
                        "configuration: \"%s\" is %lld, "
                        "allowed are %llu to %llu",
                        key, (long long)n, (unsigned long long)min,
                        (unsigned long long)max);
    *out = (uint64_t)n;
    return 0;
}

static int get_u32(struct reader *rd, json_t *object, const char *key,
                   uint32_t max, uint32_t *out)
{
    uint64_t n = *out;

    if (get_number(rd, object, key, 0, max, &n) < 0)
        return -1;
    *out = (uint32_t)n;
    return 0;
}

static int get_bool(struct reader *rd, json_t *object, const char *key,
                    bool *out)
{
    json_t *v = json_object_get(object, key);
    const char *s = json_string_value(v);

    if (!v || json_is_null(v) || (s && strcmp(s, "<default>") == 0))
        return 0;
    if (json_is_boolean(v))
        *out = json_is_true(v);
    else if (s && strcasecmp(s, "true") == 0)
        *out = true;
    else if (s && strcasecmp(s, "false") == 0)
        *out = false;
    else
        return xsr_fail(rd->err, XSR_E_FORMAT,
                        "configuration: \"%s\" is neither True nor False", key);
    return 0;
}

static int get_text(struct reader *rd, json_t *object, const char *key,
                    const char **out)
{
    json_t *v = json_object_get(object, key);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return xsr_fail(rd->err, XSR_E_FORMAT,
                        "configuration: \"%s\" is not a string", key);
    *out = json_string_value(v);
    return 0;
}

/* A string that stands for its position in a list. */
static int get_choice(struct reader *rd, json_t *object, const char *key,
                      const char *const *list, uint32_t n, uint32_t *out)
{
    const char *text = NULL;
    char shown[40];
    uint32_t i;

    if (get_text(rd, object, key, &text) < 0)
        return -1;
    if (!text)
        return 0;
    for (i = 0; i < n; i++) {
        if (strcmp(text, list[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return xsr_fail(rd->err, XSR_E_UNSUPPORTED,
                    "configuration: \"%s\" has the unknown value \"%s\"", key,
                    xsr_err_quote(text, strlen(text), shown, sizeof(shown)));
}

/* ---- identity ----------------------------------------------------------- */

const char *xsr_guest_name(enum xensr_guest type)
{
    static const char *const names[] = {"PV", "PVH", "HVM"};

    return (unsigned)type < XSR_ARRAY_LEN(names) ? names[type] : "unknown";
}

int xsr_config_set_name(struct xsr_config *c, const char *name,
                        struct xsr_err *err)
{
    size_t len = strlen(name), i;
    bool number = true;
    char shown[60];

    for (i = 0; i < len; i++) {
        if (!isdigit((unsigned char)name[i]))
            number = false;
        if (name[i] <= ' ' || name[i] >= 0x7f || name[i] == '/')
            break;
    }
    if (len == 0 || len >= sizeof(c->name) || i < len || number)
        return xsr_fail(err, XSR_E_FORMAT,
                        "\"%s\" is not a name for a domain: "
                        "1 to %zu printable characters without blank and "
                        "slash, not only digits",
                        xsr_err_quote(name, len, shown, sizeof(shown)),
                        sizeof(c->name) - 1);
    memcpy(c->name, name, len + 1);
    return 0;
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F')
        return ch - 'A' + 10;
    return -1;
}

static int set_uuid(struct xsr_config *c, const char *text, struct xsr_err *err)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    char shown[60];
    size_t i, n = 0;
    int digit;

    if (strlen(text) != sizeof(form) - 1)
        goto bad;
    for (i = 0; form[i]; i++) {
        if (form[i] == '-' && text[i] == '-')
            continue;
        digit = form[i] == 'x' ? hex_digit(text[i]) : -1;
        if (digit < 0)
            goto bad;
        c->uuid[n / 2] |= (uint8_t)(n % 2 ? digit : digit << 4);
        n++;
    }
    for (i = 0; i < sizeof(form); i++)
        c->uuid_text[i] = (char)tolower((unsigned char)text[i]);
    return 0;
bad:
    return xsr_fail(
        err, XSR_E_FORMAT, "configuration: \"%s\" is not a UUID (%s)",
        xsr_err_quote(text, strlen(text), shown, sizeof(shown)), form);
}

static int read_identity(struct reader *rd, struct xsr_config *c)
{
    static const char *const types[] = {"pv", "pvh", "hvm"};
    const char *name = NULL, *uuid = NULL;
    uint32_t type = UINT32_MAX;
    bool old_pvh = false;

    if (get_choice(rd, rd->create, "type", types, 3, &type) < 0 ||
        get_text(rd, rd->create, "name", &name) < 0 ||
        get_text(rd, rd->create, "uuid", &uuid) < 0 ||
        get_bool(rd, rd->create, "pvh", &old_pvh) < 0)
        return -1;
    if (type == UINT32_MAX || !uuid)
        return xsr_fail(rd->err, XSR_E_FORMAT,
                        "configuration: c_info has no \"%s\"",
                        uuid ? "type" : "uuid");
    if (old_pvh)
        return xsr_fail(rd->err, XSR_E_UNSUPPORTED,
                        "configuration: this is a "
                        "guest of the first PVH kind, which no Xen from 4.10 "
                        "on can run");
    c->type = (enum xensr_guest)type;
    if (set_uuid(c, uuid, rd->err) < 0)
        return -1;
    /* libxl permits no name; a bare domain gets one that cannot collide */
    return xsr_config_set_name(c, name && *name ? name : c->uuid_text, rd->err);
}

/* ---- vCPUs and memory --------------------------------------------------- */

static int read_vcpus(struct reader *rd, struct xsr_config *c)
{
    uint32_t max = c->type == XENSR_PV ? XSR_MAX_CONFIG_VCPUS : MAX_HVM_VCPUS;
    json_t *list = json_object_get(rd->build, "avail_vcpus"), *v;
    uint64_t n = 1;
    size_t i;

    if (get_number(rd, rd->build, "max_vcpus", 1, max, &n) < 0)
        return -1;
    c->max_vcpus = (uint32_t)n;
    if (!list) {
        c->online[0] = 1; /* libxl's default: the first one */
        return 0;
    }
    if (!json_is_array(list))
        return xsr_fail(rd->err, XSR_E_FORMAT,
                        "configuration: \"avail_vcpus\" is not a list");
    json_array_foreach(list, i, v)
    {
        if (!json_is_integer(v) || json_integer_value(v) < 0 ||
            json_integer_value(v) >= c->max_vcpus)
            return xsr_fail(rd->err, XSR_E_FORMAT,
                            "configuration: entry %zu "
                            "of \"avail_vcpus\" is not a vCPU (0 to %u)",
                            i, c->max_vcpus - 1);
        n = (uint64_t)json_integer_value(v);
        c->online[n / 8] |= (uint8_t)(1u << n % 8);
    }
    return 0;
}

static int read_memory(struct reader *rd, struct xsr_config *c)
{
    if (get_number(rd, rd->build, "max_memkb", MIN_MEMKB, MAX_MEMKB,
                   &c->max_memkb) < 0)
        return -1;
    if (!c->max_memkb)
        return xsr_fail(rd->err, XSR_E_FORMAT,
                        "configuration: b_info has no \"max_memkb\"");
    c->target_memkb = c->max_memkb;
    if (get_number(rd, rd->build, "target_memkb", MIN_MEMKB, MAX_MEMKB,
                   &c->target_memkb) < 0)
        return -1;
    if (c->target_memkb > c->max_memkb)
        return xsr_fail(rd->err, XSR_E_FORMAT,
                        "configuration: target_memkb "
                        "%llu is larger than max_memkb %llu",
                        (unsigned long long)c->target_memkb,
                        (unsigned long long)c->max_memkb);
    if (c->type == XENSR_HVM) {
        c->video_memkb = xsr_min(8192, c->target_memkb / 2);
        if (get_number(rd, rd->build, "video_memkb", 0, c->target_memkb,
                       &c->video_memkb) < 0)
            return -1;
    }
    if (get_number(rd, rd->build, "shadow_memkb", 0, MAX_MEMKB,
                   &c->shadow_memkb) < 0)
        return -1;
    return get_number(rd, rd->guest, "slack_memkb", 0, MAX_MEMKB,
                      &c->slack_memkb);
}

/* ---- platform ----------------------------------------------------------- */

static int read_switches(struct reader *rd, struct xsr_config *c)
{
    static const char *const tsc_modes[] = {
        "default",
        "always_emulate",
        "native",
        "native_paravirt",
    };
    static const char *const timer_modes[] = {
        "delay_for_missed_ticks",
        "no_delay_for_missed_ticks",
        "no_missed_ticks_pending",
        "one_missed_tick_pending",
    };
    uint64_t offset = 0;

    c->hap = c->hpet = c->vpt_align = true;
    c->msr_relaxed = true; /* the default of every restore */
    c->timer_mode = 1;
    if (get_bool(rd, rd->create, "hap", &c->hap) < 0 ||
        get_bool(rd, rd->guest, "hap", &c->hap) < 0 ||
        get_bool(rd, rd->guest, "nested_hvm", &c->nested_hvm) < 0 ||
        get_bool(rd, rd->build, "nested_hvm", &c->nested_hvm) < 0 ||
        get_bool(rd, rd->guest, "hpet", &c->hpet) < 0 ||
        get_bool(rd, rd->guest, "vpt_align", &c->vpt_align) < 0 ||
        get_bool(rd, rd->arch, "msr_relaxed", &c->msr_relaxed) < 0 ||
        get_choice(rd, rd->build, "tsc_mode", tsc_modes, 4, &c->tsc_mode) < 0 ||
        get_choice(rd, rd->guest, "timer_mode", timer_modes, 4,
                   &c->timer_mode) < 0 ||
        get_choice(rd, rd->build, "timer_mode", timer_modes, 4,
                   &c->timer_mode) < 0 ||
        get_number(rd, rd->build, "rtc_timeoffset", 0, INT32_MAX, &offset) < 0)
        return -1;
    c->rtc_offset = (int32_t)offset;
    return 0;
}

static int read_limits(struct reader *rd, struct xsr_config *c)
{
    const char *bios = "seabios";

    c->max_grant_frames = 64;
    c->max_maptrack_frames = 1024;
    c->max_evtchn_port = 1023;
    if (get_u32(rd, rd->build, "max_grant_frames", INT32_MAX,
                &c->max_grant_frames) < 0 ||
        get_u32(rd, rd->build, "max_maptrack_frames", INT32_MAX,
                &c->max_maptrack_frames) < 0 ||
        get_u32(rd, rd->build, "max_grant_version", 2, &c->max_grant_version) <
            0 ||
        get_u32(rd, rd->build, "event_channels", INT32_MAX,
                &c->max_evtchn_port) < 0 ||
        get_text(rd, rd->guest, "bios", &bios) < 0)
        return -1;
    if (strlen(bios) >= sizeof(c->bios) || strchr(bios, '/'))
        return xsr_fail(rd->err, XSR_E_UNSUPPORTED,
                        "configuration: \"bios\" is none that Xen knows");
    snprintf(c->bios, sizeof(c->bios), "%s", bios);
    return 0;
}

/* ---- what is lost ------------------------------------------------------- */

static void drop(struct xsr_config *c, size_t n, const char *what)
{
    size_t len = strlen(c->dropped);

    if (n == 0)
        return;
    snprintf(c->dropped + len, sizeof(c->dropped) - len, "%s%zu %s%s",
             len ? ", " : "", n, what, n == 1 ? "" : "s");
}

static void read_dropped(const struct reader *rd, json_t *top,
                         struct xsr_config *c)
{
    static const struct {
        const char *key, *what;
    } devices[] =
        {
            {"disks", "disk"},         {"nics", "network card"},
            {"pcidevs", "PCI device"}, {"dtdevs", "device-tree device"},
            {"vfbs", "framebuffer"},   {"vkbs", "keyboard"},
            {"vtpms", "TPM"},          {"p9s", "9p share"},
            {"p9", "9p share"},        {"pvcallsifs", "PV calls interface"},
            {"vdispls", "display"},    {"vsnds", "sound device"},
            {"channels", "channel"},   {"usbctrls", "USB controller"},
            {"usbdevs", "USB device"},
        },
      rights[] = {
          {"ioports", "I/O port range"},
          {"irqs", "interrupt"},
          {"iomem", "I/O memory range"},
          {"vnuma_nodes", "NUMA node"},
          {"vcpu_hard_affinity", "vCPU placement"},
          {"vcpu_soft_affinity", "vCPU preference"},
      };
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(devices); i++)
        drop(c, json_array_size(json_object_get(top, devices[i].key)),
             devices[i].what);
    for (i = 0; i < XSR_ARRAY_LEN(rights); i++)
        drop(c, json_array_size(json_object_get(rd->build, rights[i].key)),
             rights[i].what);
}

/* ---- all of it ---------------------------------------------------------- */

static int get_object(json_t *parent, const char *key, bool needed,
                      json_t **out, struct xsr_err *err)
{
    *out = json_object_get(parent, key);
    if ((!*out && needed) || (*out && !json_is_object(*out)))
        return xsr_fail(err, XSR_E_FORMAT, "configuration: \"%s\" is %s", key,
                        *out ? "not an object" : "missing");
    return 0;
}

static int read_all(json_t *top, struct xsr_config *c, struct xsr_err *err)
{
    static const char *const guests[] = {"type.pv", "type.pvh", "type.hvm"};
    struct reader rd = {NULL, NULL, NULL, NULL, err};

    if (!json_is_object(top))
        return xsr_fail(err, XSR_E_FORMAT,
                        "configuration is JSON, but not an object");
    if (get_object(top, "c_info", true, &rd.create, err) < 0 ||
        get_object(top, "b_info", true, &rd.build, err) < 0 ||
        read_identity(&rd, c) < 0 ||
        get_object(rd.build, guests[c->type], false, &rd.guest, err) < 0 ||
        get_object(rd.build, "arch_x86", false, &rd.arch, err) < 0 ||
        read_vcpus(&rd, c) < 0 || read_memory(&rd, c) < 0 ||
        read_switches(&rd, c) < 0 || read_limits(&rd, c) < 0)
        return -1;
    read_dropped(&rd, top, c);
    return 0;
}

int xsr_config_parse(const char *json, size_t len, struct xsr_config *out,
                     struct xsr_err *err)
{
    json_error_t why;
    char shown[120];
    json_t *top;
    int rc;

    memset(out, 0, sizeof(*out));
    top = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    if (!top)
        return xsr_fail(
            err, XSR_E_FORMAT,
            "configuration is not JSON: line %d, column %d: %s", why.line,
            why.column,
            xsr_err_quote(why.text, strlen(why.text), shown, sizeof(shown)));
    rc = read_all(top, out, err);
    json_decref(top);
    return rc;
}

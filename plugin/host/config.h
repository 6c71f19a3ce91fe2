/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The saved configuration of a domain (libxl's JSON), as far as a bare domain
 * can have it: type, identity, vCPUs, memory, a few platform switches.
 * What it cannot have (disks, network, ...) is listed, not silently lost.
 */
#ifndef XSR_PLUGIN_CONFIG_H
#define XSR_PLUGIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "plugin/xensr.h"

/* Xen's own bound for any guest type (PV's legacy limit is below it too). */
#define XSR_MAX_CONFIG_VCPUS 8192u

struct xsr_config {
    enum xensr_guest type;
    char name[128];
    uint8_t uuid[16];
    char uuid_text[37];
    uint32_t max_vcpus;
    uint8_t online[XSR_MAX_CONFIG_VCPUS / 8]; /* bitmap */
    uint64_t max_memkb, target_memkb;
    uint64_t video_memkb;  /* 0 unless HVM; part of target_memkb */
    uint64_t shadow_memkb; /* 0: compute it */
    uint64_t slack_memkb;  /* PV: e820 beyond max_memkb */
    bool hap, nested_hvm, hpet, vpt_align, msr_relaxed;
    uint32_t timer_mode, tsc_mode;
    int32_t rtc_offset;
    uint32_t max_grant_frames, max_maptrack_frames;
    uint32_t max_grant_version; /* 0: the newest the host has */
    uint32_t max_evtchn_port;
    char bios[16];
    char dropped[256]; /* "2 disks, 1 nic"; "" if nothing */
};

/*
 * json: len bytes of a JSON object. Fails with XSR_E_FORMAT (what is not
 * JSON, of a wrong type, out of range) or XSR_E_UNSUPPORTED.
 */
int xsr_config_parse(const char *json, size_t len, struct xsr_config *out,
                     struct xsr_err *err);
/* Replace the name; judged like one from the configuration. */
int xsr_config_set_name(struct xsr_config *c, const char *name,
                        struct xsr_err *err);
static inline bool xsr_config_vcpu_online(const struct xsr_config *c,
                                          uint32_t vcpu)
{
    return c->online[vcpu / 8] >> (vcpu % 8) & 1;
}
const char *xsr_guest_name(enum xensr_guest type); /* "PV" ... */

#endif

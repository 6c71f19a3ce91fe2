/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `xensr check` collects on its way: findings (all counted, the first of
 * each rule kept), the records in runs of equal ones, checkpoints, and the
 * facts from which the summary and the list of releases are made. All of it is
 * bounded, whatever the image.
 */
#ifndef XSR_TOOLS_CHECK_FOUND_H
#define XSR_TOOLS_CHECK_FOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/check/rules.h"

#define CHK_KEEP_OF_RULE 5u   /* findings of one rule in the report */
#define CHK_MAX_ROWS     512u /* runs of records */
#define CHK_MAX_CUTS     64u  /* checkpoints in the report */

struct chk_finding {
    enum chk_rule rule;
    uint64_t offset;
    char text[200];
};
struct chk_row { /* a run of records of one type */
    enum chk_layer layer;
    uint32_t type, len, max_len; /* len: the shortest */
    const char *name;            /* of a static table */
    uint64_t offset, n, octets;
};
struct chk_cut { /* a complete checkpoint */
    uint64_t end, pages, errors;
};

struct chk_found {
    struct chk_finding *kept;
    size_t n_kept, cap;
    uint64_t n_of_rule[CHK_N_RULES];
    uint64_t n[3]; /* by severity */
    struct chk_row *rows;
    size_t n_rows;
    uint64_t n_records; /* of both layers, also beyond the rows */
    struct chk_cut cuts[CHK_MAX_CUTS];
    uint64_t n_cuts;
    bool lost; /* the structure ended before the input did */
    uint64_t lost_at;
};

/* What releases differ in (releases.c) and what people want to know. */
struct chk_facts {
    const char *format; /* "xl save file", ... */
    char name[64], uuid[40], type[8];
    bool have_config, have_image, checkpointed, colo, v2_inner;
    uint64_t max_memkb, video_memkb;
    uint32_t max_vcpus, n_avail, n_states, max_vcpu; /* max_vcpu: with state */
    uint32_t version, guest, xen_major, xen_minor;
    uint8_t width, emulator;
    bool have_emulator, live, verify, tsc_mode_3, old_empty, pv_msrs;
    bool optional_libxl, optional_libxc, lapic_32, unknown_msr, msr_10a;
    bool piix4_short, piix4_long, long_record;
    uint32_t n_leaves, n_msrs, msr_since; /* release that knows all MSRs */
    uint32_t max_param, phys_bits; /* phys_bits: of the CPUID policy, or 0 */
    uint64_t n_entries, n_contents, n_pages; /* n_pages: distinct, populated */
    uint64_t max_pfn;
    char qemu[32];
    uint32_t n_sections;
};

struct chk;
void chk_find(struct chk *c, enum chk_rule rule, uint64_t offset,
              const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void chk_row(struct chk *c, enum chk_layer layer, uint32_t type,
             const char *name, uint64_t offset, uint32_t len);
/* The structure cannot be followed from here on. */
void chk_lost(struct chk *c, uint64_t offset);
bool chk_has(const struct chk *c, enum chk_rule rule);

#endif

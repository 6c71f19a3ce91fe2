/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside `xensr check`. Unlike a restore, which stops at the first thing that
 * is wrong, this goes on as far as the structure can be followed, and says all
 * that is wrong by the names of rules.c.
 *
 *   cmd.c       options, exit code      walk.c     formats, libxl stream
 *   rules.c     the table of rules      config.c   xl header, configuration
 *   found.c     findings, records       emu.c      emulator records
 *   source.c    reading                 releases.c who can restore it
 *   report.c, report_json.c             what is said at the end
 *   ../judge/   the libxc image: image.c frames, order.c, pages.c, tables.c,
 *               pv.c, vcpu.c, hvm.c, params.c; map.c four bits a pfn
 */
#ifndef XSR_TOOLS_CHECK_CHECK_H
#define XSR_TOOLS_CHECK_CHECK_H

#include "stream/limits.h"
#include "tools/check/found.h"
#include "tools/judge/map.h"
#include "tools/check/source.h"

#define CHK_MAP_BUDGET (6u << 20)
#define CHK_MAX_P2M    (512u << 10) /* frames kept: guests up to 1 TiB */
#define CHK_MAX_STARTS 1024u        /* pages that look like start_info */

struct chk_rec { /* the record in hand, of either layer */
    uint32_t type, len;
    uint64_t at;   /* of its header */
    uint32_t left; /* octets of its body that nobody has taken yet */
};
struct chk_start { /* a page that begins as start_info does */
    uint64_t pfn, store, console;
};
struct chk_want { /* a frame of a vCPU, judged when all memory is known */
    uint64_t at, pfn;
    uint16_t vcpu;
    uint8_t level; /* 0: an ordinary page */
    uint8_t rule;  /* enum chk_rule */
};

struct chk_order {
    bool static_end, pv_info, p2m, memory, verify, policy[2];
    bool late_told; /* order.static-late has been said */
    /* since CHECKPOINT */
    bool tsc, shared, context, params, vcpu0, store, any, any_vcpu;
    uint8_t *vcpus; /* a bit per record type, of each of 8192 */
};

struct chk {
    struct chk_src src;
    struct chk_found found;
    struct chk_facts f;
    struct chk_order order;
    uint8_t avail[1024]; /* avail_vcpus of the configuration, bits */
    /* libxl */
    bool in_checkpoint, state_due, image_done, stream_done;
    bool keys_seen, emu_seen;
    struct chk_cut last_cut;
    /* memory */
    uint64_t map_left;
    struct chk_map types; /* type ^ 5, so that 0 is "never sent" */
    struct chk_map wants; /* levels that tables expect, a bit each */
    uint64_t last_pfn;
    uint64_t *entries; /* of the PAGE_DATA in hand */
    bool table_resent;
    /* PV */
    bool have_p2m;
    uint64_t end_pfn, p2m_at, p2m_from; /* the latest record, its first */
    uint32_t *p2m;
    size_t n_p2m;
    struct chk_want *want;
    size_t n_want, want_cap;
    struct chk_start *start;
    size_t n_start;
    bool starts_full;
    uint64_t shared_max_pfn, shared_at;
    /* HVM: a bit per type and instance, and which of them are set */
    uint8_t (*seen)[8192];
    uint32_t *touched, n_touched;
    uint64_t whole_at; /* where all pages were judged last */
};

struct chk *chk_new(const char *path, struct xsr_err *err);
void chk_free(struct chk *c);
/* The next n octets of a record's body, or NULL (it has no more). */
const uint8_t *chk_body(struct chk *c, struct chk_rec *r, size_t n);
static inline uint64_t chk_at(const struct chk *c)
{
    return c->src.offset;
}

/* xl header and configuration; false: nothing that could be followed. */
bool chk_xl_file(struct chk *c);
void chk_config_against_state(struct chk *c);
void chk_walk(struct chk *c);
void chk_emu_keys(struct chk *c, struct chk_rec *r);
void chk_emu_state(struct chk *c, struct chk_rec *r);

enum chk_stop { CHK_STOP_END, CHK_STOP_CHECKPOINT, CHK_STOP_LOST };
bool chk_image_begin(struct chk *c);
enum chk_stop chk_image_records(struct chk *c, bool in_stream);
/* A checkpoint is complete, also for libxl. */
void chk_checkpoint_done(struct chk *c);
/* The input ended; is that what checkpointed streams do? Then it is told. */
bool chk_checkpoint_cut(struct chk *c);

void chk_order_record(struct chk *c, const struct chk_rec *r);
void chk_order_new_checkpoint(struct chk *c);

#define CHK_UNSEEN 5u
uint8_t chk_page_type(const struct chk *c, uint64_t pfn); /* or CHK_UNSEEN */
void chk_pages(struct chk *c, struct chk_rec *r);
void chk_table(struct chk *c, uint64_t pfn, uint8_t level, const uint8_t *p,
               uint64_t at);
void chk_table_levels(struct chk *c, uint64_t at);

void chk_pv_info(struct chk *c, struct chk_rec *r);
void chk_p2m(struct chk *c, struct chk_rec *r);
void chk_shared_info(struct chk *c, struct chk_rec *r);
void chk_pv_page(struct chk *c, uint64_t pfn, const uint8_t *p);
void chk_pv_end(struct chk *c, uint64_t at, bool last);
void chk_vcpu(struct chk *c, struct chk_rec *r);
void chk_hvm_context(struct chk *c, struct chk_rec *r);
void chk_hvm_params(struct chk *c, struct chk_rec *r);
void chk_tsc(struct chk *c, struct chk_rec *r);
void chk_cpuid_policy(struct chk *c, struct chk_rec *r);
void chk_msr_policy(struct chk *c, struct chk_rec *r);

/* Releases of Xen 4: can it restore the image? */
#define CHK_FIRST_RELEASE 6u
#define CHK_LAST_RELEASE  22u
#define CHK_MAX_WHY       8u
enum chk_can { CHK_CAN, CHK_NOT_PROMISED, CHK_CANNOT };
struct chk_release {
    enum chk_can can;
    const char *why[CHK_MAX_WHY]; /* up to the first NULL */
};
void chk_release(const struct chk *c, uint32_t minor, struct chk_release *out);
/* What else to know before choosing a host; NULL behind the last. */
const char *chk_caution(const struct chk *c, unsigned n);

void chk_report(const struct chk *c, bool with_records);
void chk_report_json(const struct chk *c, int rc);
int chk_exit_code(const struct chk *c);
bool chk_we_refuse(const struct chk *c);
const char *chk_verdict(const struct chk *c);
const char *chk_guest_name(const struct chk *c);

#endif

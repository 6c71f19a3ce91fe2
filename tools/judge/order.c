/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may come when in a libxc image, and what has to be there at END or
 * CHECKPOINT. Counts rather than walks states: after a record in a wrong place
 * all others are judged as if it had stood in its own.
 */
#include "stream/xc3.h"

#include "tools/check/check.h"

static bool is_vcpu(uint32_t type)
{
    return (type >= XSR_XC3_X86_PV_VCPU_BASIC &&
            type <= XSR_XC3_X86_PV_VCPU_XSAVE) ||
           type == XSR_XC3_X86_PV_VCPU_MSRS;
}

static void repeated(struct chk *c, const struct chk_rec *r, bool *seen)
{
    if (*seen)
        chk_find(c, CHK_ORDER_REPEATED, r->at, "a second %s",
                 xsr_xc3_type_name(r->type));
    *seen = true;
}

/* Memory, and the list of frames in front of it: static data must be over. */
static void before_memory(struct chk *c, const struct chk_rec *r)
{
    struct chk_order *o = &c->order;

    if (c->f.version == 3 && !o->static_end && !o->late_told) {
        chk_find(c, CHK_ORDER_STATIC_LATE, r->at, "%s before STATIC_DATA_END",
                 xsr_xc3_type_name(r->type));
        o->late_told = true;
    }
}

static void need_pv_info(struct chk *c, const struct chk_rec *r)
{
    if (!c->order.pv_info)
        chk_find(c, CHK_ORDER_PV_INFO_LATE, r->at, "%s before X86_PV_INFO",
                 xsr_xc3_type_name(r->type));
}

static void order_static(struct chk *c, const struct chk_rec *r)
{
    struct chk_order *o = &c->order;
    bool *policy = &o->policy[r->type == XSR_XC3_X86_MSR_POLICY];

    switch (r->type) {
    case XSR_XC3_X86_PV_INFO:
        if (o->pv_info)
            chk_find(c, CHK_ORDER_PV_INFO, r->at, "a second X86_PV_INFO");
        o->pv_info = true;
        break;
    case XSR_XC3_STATIC_DATA_END:
        if (o->static_end)
            chk_find(c, CHK_ORDER_STATIC_END, r->at,
                     "a second STATIC_DATA_END");
        else if (c->f.guest == XSR_XC3_PV)
            need_pv_info(c, r);
        o->static_end = true;
        break;
    default: /* the policies */
        if (o->static_end)
            chk_find(c, CHK_ORDER_POLICY_LATE, r->at,
                     "%s behind STATIC_DATA_END would be ignored",
                     xsr_xc3_type_name(r->type));
        if (*policy)
            chk_find(c, CHK_ORDER_POLICY_REPEATED, r->at, "a second %s",
                     xsr_xc3_type_name(r->type));
        *policy = true;
    }
}

static void order_memory(struct chk *c, const struct chk_rec *r)
{
    struct chk_order *o = &c->order;

    before_memory(c, r);
    if (c->f.guest == XSR_XC3_PV && !o->p2m)
        chk_find(c, CHK_ORDER_P2M_LATE, r->at,
                 "PAGE_DATA before X86_PV_P2M_FRAMES");
    if (o->shared || o->vcpu0 || o->params)
        chk_find(c, CHK_ORDER_MEMORY_LATE, r->at, "PAGE_DATA behind %s",
                 o->params   ? "HVM_PARAMS"
                 : o->shared ? "SHARED_INFO"
                             : "a vCPU's state");
    o->memory = true;
}

static void order_verify(struct chk *c, const struct chk_rec *r)
{
    struct chk_order *o = &c->order;

    if (o->verify)
        chk_find(c, CHK_ORDER_VERIFY, r->at, "a second VERIFY");
    else if (!o->memory)
        chk_find(c, CHK_ORDER_VERIFY, r->at, "VERIFY before any PAGE_DATA");
    else if (c->f.checkpointed)
        chk_find(c, CHK_ORDER_VERIFY, r->at, "VERIFY in a checkpointed stream");
    o->verify |= o->memory;
    c->f.verify = true;
}

static void order_state(struct chk *c, const struct chk_rec *r)
{
    struct chk_order *o = &c->order;

    if (r->type == XSR_XC3_SHARED_INFO || is_vcpu(r->type))
        need_pv_info(c, r);
    if (r->type == XSR_XC3_X86_TSC_INFO)
        repeated(c, r, &o->tsc);
    else if (r->type == XSR_XC3_SHARED_INFO)
        repeated(c, r, &o->shared);
    else if (r->type == XSR_XC3_HVM_CONTEXT)
        repeated(c, r, &o->context);
    else if (r->type == XSR_XC3_HVM_PARAMS)
        repeated(c, r, &o->params);
}

/* ---- completeness -------------------------------------------------------- */

static void complete_pv(struct chk *c, uint64_t at, const char *what)
{
    struct chk_order *o = &c->order;

    if (!o->pv_info)
        chk_find(c, CHK_ORDER_PV_INFO, at, "%s, and there is no X86_PV_INFO",
                 what);
    if (!o->shared)
        chk_find(c, CHK_ORDER_PV_STATE, at, "%s, and there is no SHARED_INFO",
                 what);
    if (!o->vcpu0)
        chk_find(c, CHK_ORDER_PV_STATE, at,
                 "%s, and there is no state of vCPU 0 (X86_PV_VCPU_BASIC)",
                 what);
    chk_pv_end(c, at, !strcmp(what, "END"));
}

static void complete_hvm(struct chk *c, uint64_t at, const char *what)
{
    if (!c->order.context)
        chk_find(c, CHK_ORDER_HVM_STATE, at, "%s, and there is no HVM_CONTEXT",
                 what);
    if (!c->order.store)
        chk_find(c, CHK_ORDER_STORE, at,
                 "%s, and no HVM_PARAMS names the xenstore page", what);
}

/* At END and CHECKPOINT. One with nothing since the last CHECKPOINT is an
 * orderly end of a checkpointed stream. */
static void complete(struct chk *c, uint64_t at, const char *what)
{
    struct chk_order *o = &c->order;

    if (c->f.version == 3 && !o->static_end)
        chk_find(c, CHK_ORDER_STATIC_END, at,
                 "%s, and there is no STATIC_DATA_END", what);
    if (!o->memory)
        chk_find(c, CHK_ORDER_MEMORY_NONE, at, "%s, and there is no PAGE_DATA",
                 what);
    if (o->any || !c->found.n_cuts) {
        if (!o->tsc)
            chk_find(c,
                     c->f.xen_major ? CHK_ORDER_TSC : CHK_ORDER_TSC_CONVERTED,
                     at, "%s, and there is no X86_TSC_INFO", what);
        if (c->f.guest == XSR_XC3_PV)
            complete_pv(c, at, what);
        else
            complete_hvm(c, at, what);
    }
}

/* ---- all --------------------------------------------------------------------
 */

void chk_order_record(struct chk *c, const struct chk_rec *r)
{
    struct chk_order *o = &c->order;

    switch (r->type) {
    case XSR_XC3_X86_PV_INFO:
    case XSR_XC3_STATIC_DATA_END:
    case XSR_XC3_X86_CPUID_POLICY:
    case XSR_XC3_X86_MSR_POLICY:
        order_static(c, r);
        break;
    case XSR_XC3_X86_PV_P2M_FRAMES:
        before_memory(c, r);
        need_pv_info(c, r);
        o->p2m = true;
        break;
    case XSR_XC3_PAGE_DATA:
        order_memory(c, r);
        break;
    case XSR_XC3_VERIFY:
        order_verify(c, r);
        break;
    case XSR_XC3_END:
        complete(c, r->at, "END");
        return;
    case XSR_XC3_CHECKPOINT:
        if (o->verify)
            chk_find(c, CHK_ORDER_VERIFY, r->at,
                     "CHECKPOINT in an image with VERIFY");
        complete(c, r->at, "CHECKPOINT");
        return;
    default:
        order_state(c, r);
    }
    o->any = true;
}

void chk_order_new_checkpoint(struct chk *c)
{
    struct chk_order *o = &c->order;

    o->tsc = o->shared = o->context = o->params = o->vcpu0 = o->store = o->any =
        o->any_vcpu = false;
    if (o->vcpus)
        memset(o->vcpus, 0, XSR_MAX_VCPU_ID + 1);
}

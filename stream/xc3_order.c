/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order of libxc records as two tables, PV and HVM: state x record type ->
 * next state, an empty cell is a refusal. Beside them stand the few rules that
 * are counts rather than order: once per image, once per checkpoint, and what
 * must have been there when END or CHECKPOINT comes.
 *
 *   STATIC (v3) -> HEAD -> [FRAMES, PV] -> MEMORY -> [VERIFYING] -> TAIL ->
 * DONE a v2 image starts in OPENING (PV) or HEAD (HVM)
 */
#include "stream/xc3_order.h"

enum state {
    REFUSE, /* as a next state only */
    STATIC,
    OPENING,
    HEAD,
    FRAMES,
    MEMORY,
    VERIFYING,
    TAIL,
    DONE,
    N_STATES
};

#define EV_OPTIONAL XSR_XC3_N_TYPES
#define N_EVENTS    (XSR_XC3_N_TYPES + 1)

static const char *const state_names[N_STATES] = {
    [REFUSE] = "refused",
    [STATIC] = "before STATIC_DATA_END",
    [OPENING] = "before X86_PV_INFO",
    [HEAD] = "before the first memory record",
    [FRAMES] = "between X86_PV_P2M_FRAMES and PAGE_DATA",
    [MEMORY] = "in the memory part",
    [VERIFYING] = "behind VERIFY",
    [TAIL] = "in the state records behind the memory part",
    [DONE] = "behind END",
};

static const uint8_t pv[N_STATES][N_EVENTS] = {
    [STATIC] = {[XSR_XC3_X86_PV_INFO] = STATIC,
                [XSR_XC3_X86_CPUID_POLICY] = STATIC,
                [XSR_XC3_X86_MSR_POLICY] = STATIC,
                [XSR_XC3_STATIC_DATA_END] = HEAD,
                [EV_OPTIONAL] = STATIC},
    [OPENING] = {[XSR_XC3_X86_PV_INFO] = HEAD,
                 [XSR_XC3_X86_TSC_INFO] = OPENING,
                 [EV_OPTIONAL] = OPENING},
    [HEAD] = {[XSR_XC3_X86_PV_P2M_FRAMES] = FRAMES,
              [XSR_XC3_X86_TSC_INFO] = HEAD,
              [EV_OPTIONAL] = HEAD},
    [FRAMES] = {[XSR_XC3_X86_PV_P2M_FRAMES] = FRAMES,
                [XSR_XC3_PAGE_DATA] = MEMORY,
                [XSR_XC3_X86_TSC_INFO] = FRAMES,
                [EV_OPTIONAL] = FRAMES},
    [MEMORY] = {[XSR_XC3_PAGE_DATA] = MEMORY,
                [XSR_XC3_VERIFY] = VERIFYING,
                [XSR_XC3_X86_TSC_INFO] = MEMORY,
                [XSR_XC3_SHARED_INFO] = TAIL,
                [XSR_XC3_X86_PV_VCPU_BASIC] = TAIL,
                [XSR_XC3_X86_PV_VCPU_EXTENDED] = TAIL,
                [XSR_XC3_X86_PV_VCPU_XSAVE] = TAIL,
                [XSR_XC3_X86_PV_VCPU_MSRS] = TAIL,
                [XSR_XC3_END] = DONE,
                [XSR_XC3_CHECKPOINT] = MEMORY,
                [EV_OPTIONAL] = MEMORY},
    [VERIFYING] = {[XSR_XC3_PAGE_DATA] = VERIFYING,
                   [XSR_XC3_X86_TSC_INFO] = VERIFYING,
                   [XSR_XC3_SHARED_INFO] = TAIL,
                   [XSR_XC3_X86_PV_VCPU_BASIC] = TAIL,
                   [XSR_XC3_X86_PV_VCPU_EXTENDED] = TAIL,
                   [XSR_XC3_X86_PV_VCPU_XSAVE] = TAIL,
                   [XSR_XC3_X86_PV_VCPU_MSRS] = TAIL,
                   [XSR_XC3_END] = DONE,
                   [EV_OPTIONAL] = VERIFYING},
    [TAIL] = {[XSR_XC3_X86_TSC_INFO] = TAIL,
              [XSR_XC3_SHARED_INFO] = TAIL,
              [XSR_XC3_X86_PV_VCPU_BASIC] = TAIL,
              [XSR_XC3_X86_PV_VCPU_EXTENDED] = TAIL,
              [XSR_XC3_X86_PV_VCPU_XSAVE] = TAIL,
              [XSR_XC3_X86_PV_VCPU_MSRS] = TAIL,
              [XSR_XC3_END] = DONE,
              [XSR_XC3_CHECKPOINT] = MEMORY,
              [EV_OPTIONAL] = TAIL},
};

/* HVM_CONTEXT is independent of memory; HVM_PARAMS clears the ring pages. */
static const uint8_t hvm[N_STATES][N_EVENTS] = {
    [STATIC] = {[XSR_XC3_X86_CPUID_POLICY] = STATIC,
                [XSR_XC3_X86_MSR_POLICY] = STATIC,
                [XSR_XC3_STATIC_DATA_END] = HEAD,
                [EV_OPTIONAL] = STATIC},
    [HEAD] = {[XSR_XC3_PAGE_DATA] = MEMORY,
              [XSR_XC3_X86_TSC_INFO] = HEAD,
              [XSR_XC3_HVM_CONTEXT] = HEAD,
              [EV_OPTIONAL] = HEAD},
    [MEMORY] = {[XSR_XC3_PAGE_DATA] = MEMORY,
                [XSR_XC3_VERIFY] = VERIFYING,
                [XSR_XC3_X86_TSC_INFO] = MEMORY,
                [XSR_XC3_HVM_CONTEXT] = MEMORY,
                [XSR_XC3_HVM_PARAMS] = TAIL,
                [XSR_XC3_END] = DONE,
                [XSR_XC3_CHECKPOINT] = MEMORY,
                [EV_OPTIONAL] = MEMORY},
    [VERIFYING] = {[XSR_XC3_PAGE_DATA] = VERIFYING,
                   [XSR_XC3_X86_TSC_INFO] = VERIFYING,
                   [XSR_XC3_HVM_CONTEXT] = VERIFYING,
                   [XSR_XC3_HVM_PARAMS] = TAIL,
                   [XSR_XC3_END] = DONE,
                   [EV_OPTIONAL] = VERIFYING},
    [TAIL] = {[XSR_XC3_X86_TSC_INFO] = TAIL,
              [XSR_XC3_HVM_CONTEXT] = TAIL,
              [XSR_XC3_HVM_PARAMS] = TAIL,
              [XSR_XC3_END] = DONE,
              [XSR_XC3_CHECKPOINT] = MEMORY,
              [EV_OPTIONAL] = TAIL},
};

#define BIT(type) (1u << (type))

/* At most one in the whole image / between two checkpoints. */
static const uint32_t once_ever =
    BIT(XSR_XC3_X86_PV_INFO) | BIT(XSR_XC3_X86_CPUID_POLICY) |
    BIT(XSR_XC3_X86_MSR_POLICY) | BIT(XSR_XC3_STATIC_DATA_END) |
    BIT(XSR_XC3_VERIFY);
static const uint32_t once = BIT(XSR_XC3_X86_TSC_INFO) |
                             BIT(XSR_XC3_SHARED_INFO) |
                             BIT(XSR_XC3_HVM_CONTEXT) | BIT(XSR_XC3_HVM_PARAMS);

/* A converter writes what the body had, and what its tail had, on its own. */
static bool may_repeat(const struct xsr_xc3_order *o, uint32_t type)
{
    return type == XSR_XC3_HVM_PARAMS && o->converted;
}

static uint8_t next_state(const struct xsr_xc3_order *o, uint32_t type)
{
    if (type >= XSR_XC3_N_TYPES && !(type & XSR_XC3_OPTIONAL))
        return REFUSE;
    if (type >= XSR_XC3_N_TYPES)
        type = EV_OPTIONAL;
    return (o->guest == XSR_XC3_PV ? pv : hvm)[o->state][type];
}

void xsr_xc3_order_init(struct xsr_xc3_order *o, uint32_t version,
                        const struct xsr_xc3_dhdr *dhdr, bool checkpointed)
{
    *o = (struct xsr_xc3_order){
        .version = version,
        .guest = dhdr->guest,
        .checkpointed = checkpointed,
        .converted = dhdr->xen_major == 0,
    };
    o->state = version >= 3 ? STATIC : o->guest == XSR_XC3_PV ? OPENING : HEAD;
}

static int check_once(const struct xsr_xc3_order *o, uint32_t type,
                      struct xsr_err *err)
{
    const char *name = xsr_xc3_type_name(type);

    if (once_ever & o->seen_ever & BIT(type))
        return xsr_fail(err, XSR_E_ORDER,
                        "libxc record %s: found a second one %s, allowed one "
                        "in an image",
                        name, state_names[o->state]);
    if (once & o->seen & BIT(type) && !may_repeat(o, type))
        return xsr_fail(err, XSR_E_ORDER,
                        "libxc record %s: found a second one %s, allowed one "
                        "in an image or checkpoint",
                        name, state_names[o->state]);
    if (type == XSR_XC3_CHECKPOINT && !o->checkpointed)
        return xsr_fail(err, XSR_E_ORDER,
                        "libxc record CHECKPOINT: found in a plain stream, "
                        "allowed only in a Remus or COLO stream");
    if (type == XSR_XC3_VERIFY && o->checkpointed)
        return xsr_fail(err, XSR_E_ORDER,
                        "libxc record VERIFY: found in a checkpointed "
                        "stream, allowed only in a plain one");
    return 0;
}

/* What must have been there at END, CHECKPOINT and STATIC_DATA_END. */
static int check_complete(const struct xsr_xc3_order *o, uint32_t type,
                          struct xsr_err *err)
{
    uint32_t need = 0, lacking;

    if (type == XSR_XC3_STATIC_DATA_END) {
        need = o->guest == XSR_XC3_PV ? BIT(XSR_XC3_X86_PV_INFO) : 0;
    } else if (type == XSR_XC3_END || type == XSR_XC3_CHECKPOINT) {
        need = o->guest == XSR_XC3_PV
                   ? BIT(XSR_XC3_SHARED_INFO) | BIT(XSR_XC3_X86_PV_VCPU_BASIC)
                   : BIT(XSR_XC3_HVM_CONTEXT);
        if (!o->converted)
            need |= BIT(XSR_XC3_X86_TSC_INFO);
    }
    lacking = need & ~o->seen;
    /* An orderly end right behind a checkpoint adds nothing, needs nothing. */
    if (type == XSR_XC3_END && o->seen_ever & BIT(XSR_XC3_CHECKPOINT) &&
        !o->seen)
        return 0;
    for (uint32_t t = 0; t < XSR_XC3_N_TYPES; t++)
        if (lacking & BIT(t))
            return xsr_fail(err, XSR_E_ORDER,
                            "libxc record %s: found before any %s, which must "
                            "come first",
                            xsr_xc3_type_name(type), xsr_xc3_type_name(t));
    return 0;
}

static int check_next(const struct xsr_xc3_order *o, uint32_t type,
                      struct xsr_err *err)
{
    if (type < XSR_XC3_N_TYPES && check_once(o, type, err))
        return -1;
    if (!next_state(o, type))
        return xsr_fail(err, XSR_E_ORDER,
                        "libxc record %s: found %s, expected %s",
                        xsr_xc3_type_name(type), state_names[o->state],
                        xsr_xc3_order_expected(o));
    return check_complete(o, type, err);
}

int xsr_xc3_order_next(struct xsr_xc3_order *o, uint32_t type, uint64_t offset,
                       struct xsr_err *err)
{
    if (check_next(o, type, err))
        return xsr_err_at(err, offset);
    o->state = next_state(o, type);
    if (type >= XSR_XC3_N_TYPES)
        return 0;
    o->seen = type == XSR_XC3_CHECKPOINT ? 0 : o->seen | BIT(type);
    o->seen_ever |= BIT(type);
    return 0;
}

bool xsr_xc3_order_infers_static_end(const struct xsr_xc3_order *o,
                                     uint32_t type)
{
    const uint32_t memory =
        BIT(XSR_XC3_X86_PV_P2M_FRAMES) | BIT(XSR_XC3_PAGE_DATA);

    return o->version < 3 && type < XSR_XC3_N_TYPES && BIT(type) & memory &&
           !(o->seen_ever & memory);
}

bool xsr_xc3_order_verifying(const struct xsr_xc3_order *o)
{
    return o->seen_ever & BIT(XSR_XC3_VERIFY);
}

bool xsr_xc3_order_done(const struct xsr_xc3_order *o)
{
    return o->state == DONE;
}

const char *xsr_xc3_order_state_name(const struct xsr_xc3_order *o)
{
    return state_names[o->state];
}

const char *xsr_xc3_order_expected(const struct xsr_xc3_order *o)
{
    bool is_pv = o->guest == XSR_XC3_PV;

    switch (o->state) {
    case STATIC:
        if (is_pv && !(o->seen & BIT(XSR_XC3_X86_PV_INFO)))
            return "X86_PV_INFO or a CPU policy";
        return "a CPU policy or STATIC_DATA_END";
    case OPENING:
        return "X86_PV_INFO";
    case HEAD:
        return is_pv ? "X86_PV_P2M_FRAMES" : "PAGE_DATA";
    case FRAMES:
        return "PAGE_DATA";
    case MEMORY:
    case VERIFYING:
        return is_pv ? "PAGE_DATA, SHARED_INFO, vCPU records or END"
                     : "PAGE_DATA, HVM_CONTEXT, HVM_PARAMS or END";
    case TAIL:
        return is_pv ? "SHARED_INFO, vCPU records, X86_TSC_INFO or END"
                     : "HVM_CONTEXT, X86_TSC_INFO or END";
    default:
        return "nothing";
    }
}

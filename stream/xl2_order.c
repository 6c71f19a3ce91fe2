/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order of libxl records as a table. A cell holds the next state and the
 * guest types for which it is allowed; an empty cell is a refusal.
 *
 *   plain        LIBXC_CONTEXT [keys] context END     (emulator: HVM only)
 *   checkpoints  LIBXC_CONTEXT { [keys] context CHECKPOINT_END }
 *
 * Whoever reads the libxc layer reports with xsr_xl2_order_checkpoint() that
 * it paused at a CHECKPOINT instead of having ended; without that call the
 * checkpoint half of the table cannot be reached.
 */
#include "stream/xl2_order.h"

#include "lib/util.h"

enum state {
    REFUSE, /* as a next state only */
    START,
    IMAGE,
    KEYS,
    EMULATOR,
    CKPT,
    CKPT_KEYS,
    CKPT_EMULATOR,
    DONE,
    N_STATES
};

static const struct {
    const char *name, *expected;
} about[N_STATES] = {
    [REFUSE] = {"refused", "nothing"},
    [START] = {"before LIBXC_CONTEXT", "LIBXC_CONTEXT"},
    [IMAGE] = {"behind the libxc image",
               "END, or emulator records of an HVM guest"},
    [KEYS] = {"behind EMULATOR_XENSTORE_DATA", "EMULATOR_CONTEXT"},
    [EMULATOR] = {"behind EMULATOR_CONTEXT", "END"},
    [CKPT] = {"in a checkpoint", "emulator records or CHECKPOINT_END"},
    [CKPT_KEYS] = {"in a checkpoint behind EMULATOR_XENSTORE_DATA",
                   "EMULATOR_CONTEXT"},
    [CKPT_EMULATOR] = {"in a checkpoint behind EMULATOR_CONTEXT",
                       "CHECKPOINT_END"},
    [DONE] = {"behind END", "nothing"},
};

enum event {
    EV_END,
    EV_LIBXC,
    EV_KEYS,
    EV_EMULATOR,
    EV_CKPT_END,
    EV_CKPT_STATE,
    EV_OPTIONAL,
    N_EVENTS
};

#define PV_ (1u << XSR_XL2_PV | 1u << XSR_XL2_PVH | 1u << XSR_XL2_ANY)
#define HVM (1u << XSR_XL2_HVM | 1u << XSR_XL2_ANY)
#define ALL (PV_ | HVM)

static const struct cell {
    uint8_t next, guests;
} table[N_STATES][N_EVENTS] = {
    [START] = {[EV_LIBXC] = {IMAGE, ALL}, [EV_OPTIONAL] = {START, ALL}},
    [IMAGE] = {[EV_END] = {DONE, PV_},
               [EV_KEYS] = {KEYS, HVM},
               [EV_EMULATOR] = {EMULATOR, HVM},
               [EV_OPTIONAL] = {IMAGE, ALL}},
    [KEYS] = {[EV_EMULATOR] = {EMULATOR, HVM}, [EV_OPTIONAL] = {KEYS, ALL}},
    [EMULATOR] = {[EV_END] = {DONE, HVM}, [EV_OPTIONAL] = {EMULATOR, ALL}},
    [CKPT] = {[EV_KEYS] = {CKPT_KEYS, HVM},
              [EV_EMULATOR] = {CKPT_EMULATOR, HVM},
              [EV_CKPT_END] = {IMAGE, PV_},
              [EV_OPTIONAL] = {CKPT, ALL}},
    [CKPT_KEYS] = {[EV_EMULATOR] = {CKPT_EMULATOR, HVM},
                   [EV_OPTIONAL] = {CKPT_KEYS, ALL}},
    [CKPT_EMULATOR] =
        {[EV_CKPT_END] = {IMAGE, HVM}, [EV_OPTIONAL] = {CKPT_EMULATOR, ALL}},
};

static const char *const guest_names[] = {
    [XSR_XL2_PV] = "PV",
    [XSR_XL2_PVH] = "PVH",
    [XSR_XL2_HVM] = "HVM",
    [XSR_XL2_ANY] = "any",
};

void xsr_xl2_order_init(struct xsr_xl2_order *o, enum xsr_xl2_guest guest)
{
    o->guest = guest;
    o->state = START;
}

static int refuse(const struct xsr_xl2_order *o, uint32_t type,
                  const struct cell *cell, struct xsr_err *err)
{
    const char *name = xsr_xl2_type_name(type);

    if (cell->next)
        return xsr_fail(err, XSR_E_ORDER,
                        "libxl record %s: found %s, not allowed there for a "
                        "%s guest%s",
                        name, about[o->state].name, guest_names[o->guest],
                        o->guest != XSR_XL2_HVM ? " (it has no emulator)"
                        : type == XSR_XL2_END ? " (EMULATOR_CONTEXT is missing)"
                                              : "");
    if (type == XSR_XL2_LIBXC_CONTEXT)
        return xsr_fail(err, XSR_E_ORDER,
                        "libxl record LIBXC_CONTEXT: found a second one %s, "
                        "allowed one in a stream; expected %s",
                        about[o->state].name, about[o->state].expected);
    return xsr_fail(err, XSR_E_ORDER, "libxl record %s: found %s, expected %s",
                    name, about[o->state].name, about[o->state].expected);
}

int xsr_xl2_order_next(struct xsr_xl2_order *o, uint32_t type, uint64_t offset,
                       struct xsr_err *err)
{
    static const struct cell none;
    const struct cell *cell = &none;

    if (type & XSR_XL2_OPTIONAL)
        cell = &table[o->state][EV_OPTIONAL];
    else if (type < EV_OPTIONAL)
        cell = &table[o->state][type];
    if (!cell->next || !(cell->guests & 1u << o->guest)) {
        refuse(o, type, cell, err);
        return xsr_err_at(err, offset);
    }
    o->state = cell->next;
    return 0;
}

void xsr_xl2_order_checkpoint(struct xsr_xl2_order *o)
{
    if (o->state == IMAGE)
        o->state = CKPT;
}

bool xsr_xl2_order_done(const struct xsr_xl2_order *o)
{
    return o->state == DONE;
}

const char *xsr_xl2_order_state_name(const struct xsr_xl2_order *o)
{
    return about[o->state].name;
}

const char *xsr_xl2_order_expected(const struct xsr_xl2_order *o)
{
    if (o->state == IMAGE && o->guest == XSR_XL2_HVM)
        return "EMULATOR_XENSTORE_DATA or EMULATOR_CONTEXT";
    if (o->state == IMAGE && o->guest != XSR_XL2_ANY)
        return "END";
    return about[o->state].expected;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may come now in a libxl v2 stream: one static table, state x event ->
 * next state; anything else is refused with XSR_E_ORDER naming both.
 * docs/formats/libxl-stream.md
 */
#ifndef XSR_STREAM_XL2_ORDER_H
#define XSR_STREAM_XL2_ORDER_H

#include "stream/xl2.h"

enum xsr_xl2_guest { XSR_XL2_PV, XSR_XL2_PVH, XSR_XL2_HVM, XSR_XL2_ANY };

struct xsr_xl2_order {
    enum xsr_xl2_guest guest; /* ANY: no guest-type rules (inspect) */
    int state;
};

void xsr_xl2_order_init(struct xsr_xl2_order *o, enum xsr_xl2_guest guest);
/* offset: of the record's header, for the message. */
int xsr_xl2_order_next(struct xsr_xl2_order *o, uint32_t type, uint64_t offset,
                       struct xsr_err *err);
/*
 * The libxc image handed the stream back at a CHECKPOINT record, not at END:
 * checkpoint records follow instead of the end of the stream.
 */
void xsr_xl2_order_checkpoint(struct xsr_xl2_order *o);
bool xsr_xl2_order_done(const struct xsr_xl2_order *o);
const char *xsr_xl2_order_state_name(const struct xsr_xl2_order *o);
/* What a stream in this state still needs, for EOF messages. */
const char *xsr_xl2_order_expected(const struct xsr_xl2_order *o);

#endif

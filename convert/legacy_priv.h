/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One legacy conversion on its way: legacy.c has the order (header, body,
 * tail, perhaps more checkpoints), legacy_body.c the chunks, legacy_tail.c
 * what follows them, legacy_last.c the checkpoints of Remus behind the first.
 */
#ifndef XSR_CONVERT_LEGACY_PRIV_H
#define XSR_CONVERT_LEGACY_PRIV_H

#include "convert/legacy.h"
#include "convert/legacy_io.h"
#include "stream/legacy/legacy.h"
#include "stream/xc3.h"
#include "stream/xl2.h"

struct xsr_lg_last; /* legacy_last.c */

struct xsr_lg {
    const struct xsr_legacy_params *p;
    struct xsr_legacy_report *rep;
    struct xsr_lg_rules rules;
    struct xsr_lg_ext ext;
    uint32_t checkpoint; /* 0: the first */
    /* of the body in hand */
    struct xsr_lg_vcpus vcpus;
    struct xsr_hvm_param param[XSR_MAX_HVM_PARAMS];
    uint32_t n_params;
    bool vcpus_known, is_last, compress_next, compressed;
    struct xsr_buf keys; /* EMULATOR_XENSTORE_DATA */
    struct xsr_lg_batch batch;
    struct xsr_lg_last *last; /* NULL: the first checkpoint is enough */
    struct xsr_lg_out *o;     /* where records go now */
    struct xsr_lg_in in;
    struct xsr_lg_out main;
};

#define xsr_lg_say(c, level, ...) xsr_log((c)->p->log, level, __VA_ARGS__)

/* View of bytes in the input's buffer: not copied, gone with the flush. */
int xsr_lg_put_view(struct xsr_lg_out *out, const uint8_t *p, size_t n,
                    struct xsr_err *err);

/* ---- legacy.c ------------------------------------------------------------ */

/* Frame of a record of either layer. */
int xsr_lg_record(struct xsr_lg *c, uint32_t type, uint32_t len,
                  struct xsr_err *err);
/* Zeros behind a body of len bytes. */
int xsr_lg_pad(struct xsr_lg *c, uint64_t len, struct xsr_err *err);
/* Records go to another output; the present one is flushed. */
int xsr_lg_turn_to(struct xsr_lg *c, struct xsr_lg_out *out,
                   struct xsr_err *err);

/* ---- legacy_body.c, legacy_tmem.c ---------------------------------------- */

/* All chunks up to the end of the body. */
int xsr_lg_body(struct xsr_lg *c, struct xsr_err *err);
int xsr_lg_put_batch(struct xsr_lg *c, struct xsr_err *err);
/* HVM_PARAMS with the n first of list. */
int xsr_lg_put_params(struct xsr_lg *c, const struct xsr_hvm_param *list,
                      uint32_t n, struct xsr_err *err);
/* Step over a chunk of transcendent memory. */
int xsr_lg_skip_tmem(struct xsr_lg *c, int32_t id, struct xsr_err *err);

/* ---- legacy_tail.c ------------------------------------------------------- */

/* What follows the body, up to the END of the libxc image. */
int xsr_lg_tail(struct xsr_lg *c, struct xsr_err *err);
/* The shortest tail that can follow: so much is surely there. */
size_t xsr_lg_min_tail(const struct xsr_lg *c);
/* Xenstore data, QEMU's state and the END of the libxl stream. */
int xsr_lg_emulator(struct xsr_lg *c, struct xsr_err *err);

/* ---- legacy_last.c: Remus, when the newest checkpoint is wanted -----------
 */

int xsr_lg_last_open(struct xsr_lg *c, struct xsr_err *err);
void xsr_lg_last_close(struct xsr_lg *c);
/* A body or a tail begins: turn to the right output. */
int xsr_lg_last_body(struct xsr_lg *c, struct xsr_err *err);
int xsr_lg_last_tail(struct xsr_lg *c, struct xsr_err *err);
/* A checkpoint is whole. */
int xsr_lg_last_commit(struct xsr_lg *c, struct xsr_err *err);
/* Nothing more comes: the newest state is written behind the pages. */
int xsr_lg_last_finish(struct xsr_lg *c, struct xsr_err *err);
/* The contents of c->batch: from the input, or announced for later. */
int xsr_lg_last_batch(struct xsr_lg *c, struct xsr_err *err);
/* A chunk of compressed contents, len bytes. */
int xsr_lg_last_unpack(struct xsr_lg *c, uint64_t len, struct xsr_err *err);
/* At the end of a body everything announced must have come. */
int xsr_lg_last_check(struct xsr_lg *c, struct xsr_err *err);

#endif

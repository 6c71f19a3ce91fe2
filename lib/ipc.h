/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pipe protocol between a toolstack (parent) and its save helper: framing,
 * message numbers per generation, argument encoding. docs/formats/helper-ipc.md
 * Pure values and bytes; reading and writing pipes is the caller's.
 *
 *   helper -> parent: u16 len, u16 number, packed arguments (native endian)
 *   parent -> helper: one int per request that wants a reply
 */
#ifndef XSR_LIB_IPC_H
#define XSR_LIB_IPC_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "lib/err.h"

/* What a message is, whatever its number */
enum xsr_msg {
    XSR_MSG_LOG,
    XSR_MSG_PROGRESS,
    XSR_MSG_SUSPEND,
    XSR_MSG_POSTCOPY,
    XSR_MSG_CHECKPOINT,
    XSR_MSG_WAIT_CHECKPOINT,
    XSR_MSG_SWITCH_LOGDIRTY,
    XSR_MSG_STATIC_DATA_DONE,
    XSR_MSG_RESTORE_RESULTS,
    XSR_MSG_COMPLETE,
    XSR_MSG_TOOLSTACK_RESTORE, /* up to Xen 4.5 */
    XSR_MSG_PRECOPY_POLICY,    /* SUSE */
    XSR_N_MSG
};

/* Whose messages and arguments: helper-ipc.md, "Generations" */
enum xsr_ipc_gen {
    XSR_IPC_G1, /* Xen 4.2, 4.3 */
    XSR_IPC_G2, /* 4.4 */
    XSR_IPC_G3, /* 4.5 */
    XSR_IPC_G4, /* 4.6 */
    XSR_IPC_G5, /* 4.7-4.9 */
    XSR_IPC_G6, /* 4.10-4.13 */
    XSR_IPC_G7, /* 4.14-4.22 */
    XSR_IPC_S7, /* the same with SUSE's precopy_policy */
    XSR_N_IPC_GEN
};
enum xsr_ipc_side { XSR_IPC_SAVE, XSR_IPC_RESTORE };

/* Levels on the wire, 1..9. */
enum {
    XSR_XTL_DEBUG = 1,
    XSR_XTL_VERBOSE,
    XSR_XTL_DETAIL,
    XSR_XTL_PROGRESS,
    XSR_XTL_INFO,
    XSR_XTL_NOTICE,
    XSR_XTL_WARN,
    XSR_XTL_ERROR,
    XSR_XTL_CRITICAL
};

#define XSR_IPC_BODY_MAX     65535u
#define XSR_IPC_LOG_TEXT_MAX 3800u /* keeps a log message one atomic write */

struct xsr_ipc_msg {
    enum xsr_msg msg;
    union {
        /* strings point into the decoded body and are NUL-terminated */
        struct {
            uint32_t level;
            int32_t errnoval;
            const char *context, *text;
        } log;
        struct {
            const char *context, *what;
            uint64_t done, total;
        } progress;
        struct {
            uint32_t domid;
            uint32_t enable;
        } logdirty;
        struct {
            uint32_t missing;
        } static_data;
        struct {
            uint64_t store_gfn, console_gfn;
            uint64_t genid_addr; /* up to Xen 4.4 */
        } results;
        struct {
            int32_t retval, errnoval;
        } complete;
        struct {
            uint32_t domid, len;
            const uint8_t *bytes; /* points into the decoded body */
        } toolstack;
        struct {
            uint32_t iteration;
            uint64_t total_written;
            int64_t dirty_count; /* -1: unknown */
        } precopy;
    } u;
};

const char *xsr_msg_name(enum xsr_msg msg); /* "suspend", ... */
/* Number of msg in that generation, 0 if it does not exist there. */
uint16_t xsr_msg_number(enum xsr_ipc_gen gen, enum xsr_msg msg);
/* May it be sent on that side? Does the sender wait for an int? */
bool xsr_msg_permitted(enum xsr_ipc_gen gen, enum xsr_ipc_side side,
                       enum xsr_msg msg);
bool xsr_msg_wants_reply(enum xsr_msg msg);
/* At most one in a session (complete, static_data_done; results in plain). */
bool xsr_msg_once(enum xsr_msg msg);
/* Bit for cbflags: 1 << number; 0 if the message has no bit. */
uint32_t xsr_msg_bit(enum xsr_ipc_gen gen, enum xsr_msg msg);
/* All bits that a parent of that generation can set. */
uint32_t xsr_msg_bits(enum xsr_ipc_gen gen, enum xsr_ipc_side side);
/* "Xen 4.14 to 4.22", ... */
const char *xsr_ipc_gen_name(enum xsr_ipc_gen gen);

/*
 * Append header and body of m to out. Clamps: level to 1..9, NULL context to
 * "xc", trailing newlines dropped, strings cut so that the body stays below
 * the limit.
 */
int xsr_ipc_put(struct xsr_buf *out, enum xsr_ipc_gen gen,
                const struct xsr_ipc_msg *m, struct xsr_err *err);

/*
 * Decode one whole body (type field included, len field not). 1 = decoded,
 * 0 = unknown number >= 0x8000 (extension space, to be ignored), -1 = refused
 * (XSR_E_PEER: unknown number, short, bytes left over, bad string, bad level,
 * not permitted on that side).
 */
int xsr_ipc_get(const uint8_t *body, size_t len, enum xsr_ipc_gen gen,
                enum xsr_ipc_side side, struct xsr_ipc_msg *m_out,
                struct xsr_err *err);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The five messages of a migration that are not the stream: what each is on
 * the wire, and one side's way to send and to await them. Pure I/O on two
 * borrowed descriptors; who owns the guest is decided by migrate.c (sender)
 * and receive.c.
 *
 *   receiver  BANNER                 READY        REPORT CODE  [GO]
 *   sender            the stream            GO
 */
#ifndef XSR_PLUGIN_HANDSHAKE_H
#define XSR_PLUGIN_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

enum xsr_hs_msg {
    XSR_HS_BANNER,
    XSR_HS_READY,
    XSR_HS_GO, /* the other way round: "I have destroyed mine" */
    XSR_HS_REPORT
};

/* CODE, one octet: 0, or minus a libxl error number. */
#define XSR_HS_RUNNING 0x00u
#define XSR_HS_FAILED  0x03u /* ERROR_FAIL */
#define XSR_HS_NO_GO   0xffu

struct xsr_hs_peer {
    int in_fd, out_fd; /* borrowed */
    int stop_fd;       /* readable: give up waiting; -1: never */
    unsigned wait_ms;  /* for each message; the whole of it */
    const char *who;   /* "receiver" or "sender", for messages */
};

/*
 * Await exactly msg, and take not one byte behind it. XSR_E_EOF: the peer
 * closed; XSR_E_FORMAT: something else came; XSR_E_TIMEOUT, XSR_E_STOPPED,
 * XSR_E_IO.
 */
int xsr_hs_expect(const struct xsr_hs_peer *p, enum xsr_hs_msg msg,
                  struct xsr_err *err);
int xsr_hs_get_code(const struct xsr_hs_peer *p, unsigned char *code_out,
                    struct xsr_err *err);

/*
 * Send it. A message whose last octet was not accepted by the system has not
 * been sent, and nobody can take it for one: the peer wants all of it.
 */
int xsr_hs_send(const struct xsr_hs_peer *p, enum xsr_hs_msg msg,
                struct xsr_err *err);
int xsr_hs_send_code(const struct xsr_hs_peer *p, unsigned char code,
                     struct xsr_err *err);

/* Its octets, for tests and for whoever has to recognise it. */
const char *xsr_hs_text(enum xsr_hs_msg msg, size_t *len_out);

#endif

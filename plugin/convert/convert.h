/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A converter of legacy streams as a child: started as libxl starts
 * LIBXL_CONVERT_HELPER, so ours and Xen's both serve. It owns the input until
 * it has ended; the v2 stream comes out of a pipe. What it says on standard
 * error is logged, its last line explains a failure.
 */
#ifndef XSR_PLUGIN_CONVERT_H
#define XSR_PLUGIN_CONVERT_H

#include <stdbool.h>

#include "lib/log.h"
#include "lib/loop.h"
#include "lib/proc.h"

/* err NULL: it has converted all of the stream. Called once. */
typedef void xsr_converter_done(void *ctx, const struct xsr_err *err);

struct xsr_converter {
    struct xsr_loop *loop;
    const struct xsr_log *log;
    struct xsr_child child;
    int fd;         /* the v2 stream; -1 when there is none */
    bool converted; /* it has ended well */
    /* private */
    int words; /* its standard error */
    struct xsr_loop_fd *watch_words, *watch_end;
    char line[256], last[256]; /* half a line; the last whole one */
    size_t n_line;
    xsr_converter_done *on_done;
    void *ctx;
};

void xsr_converter_init(struct xsr_converter *cv);
/* path: the program. in: at the first byte of the legacy stream; borrowed. */
int xsr_converter_start(struct xsr_converter *cv, const char *path, int in,
                        bool hvm, struct xsr_err *err);
/* All of the v2 stream was read: how does it end? */
void xsr_converter_join(struct xsr_converter *cv, xsr_converter_done *on_done,
                        void *ctx);
/* Has it failed? Waits so long for its end. Then *err says why. */
bool xsr_converter_failed(struct xsr_converter *cv, unsigned ms,
                          struct xsr_err *err);
/* It is ended if it still runs. Idempotent. */
void xsr_converter_fini(struct xsr_converter *cv);

#endif

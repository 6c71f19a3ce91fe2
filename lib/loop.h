/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small poll(2) loop: file descriptors, timers, one stop condition. Not
 * thread-safe. A callback may add and remove anything, itself included.
 */
#ifndef XSR_LIB_LOOP_H
#define XSR_LIB_LOOP_H

#include <stdbool.h>

#include "lib/err.h"

struct xsr_loop;
struct xsr_loop_fd;
struct xsr_loop_timer;

typedef void xsr_on_fd(void *ctx, int fd, short revents);
typedef void xsr_on_timer(void *ctx);

int xsr_loop_new(struct xsr_loop **loop_out, struct xsr_err *err);
void xsr_loop_free(struct xsr_loop *loop);

/* events: POLLIN, POLLOUT. fd is borrowed. POLLERR/POLLHUP always reported. */
int xsr_loop_add_fd(struct xsr_loop *loop, int fd, short events,
                    xsr_on_fd *on_fd, void *ctx, struct xsr_loop_fd **out,
                    struct xsr_err *err);
/* Idempotent through the pointer: *h becomes NULL. */
void xsr_loop_del_fd(struct xsr_loop *loop, struct xsr_loop_fd **h);
/* Fires once, ms milliseconds from now. */
int xsr_loop_add_timer(struct xsr_loop *loop, unsigned ms,
                       xsr_on_timer *on_timer, void *ctx,
                       struct xsr_loop_timer **out, struct xsr_err *err);
void xsr_loop_del_timer(struct xsr_loop *loop, struct xsr_loop_timer **h);

/*
 * Run until xsr_loop_quit() or nothing is left to wait for. EINTR only makes
 * another round.
 */
int xsr_loop_run(struct xsr_loop *loop, struct xsr_err *err);
void xsr_loop_quit(struct xsr_loop *loop);

/* Monotonic clock in milliseconds. */
uint64_t xsr_now_ms(void);

#endif

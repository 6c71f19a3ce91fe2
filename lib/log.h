/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logging and progress. A struct xsr_log is a place to send lines to; whoever
 * owns it decides what becomes of them (stderr, IPC message, user callback).
 * A log call never fails. Errors are logged once, by whoever decides.
 */
#ifndef XSR_LIB_LOG_H
#define XSR_LIB_LOG_H

#include <stdarg.h>
#include <stdint.h>

enum xsr_level { XSR_LOG_ERROR, XSR_LOG_WARN, XSR_LOG_INFO, XSR_LOG_DEBUG };

struct xsr_log {
    /* text: one line, no newline. Must not be NULL. */
    void (*on_line)(void *ctx, enum xsr_level level, const char *text);
    /*
     * Progress of phase "what": done of total (unit: pages unless the phase
     * says otherwise), total 0 = unknown. First call of a phase has done 0.
     * May be NULL.
     */
    void (*on_progress)(void *ctx, const char *what, uint64_t done,
                        uint64_t total);
    void *ctx;
    enum xsr_level max_level; /* lines above it are not formatted */
};

/* lg may be NULL: nothing happens. */
void xsr_log(const struct xsr_log *lg, enum xsr_level level, const char *fmt,
             ...) __attribute__((format(printf, 3, 4)));
void xsr_logv(const struct xsr_log *lg, enum xsr_level level, const char *fmt,
              va_list ap) __attribute__((format(printf, 3, 0)));
void xsr_progress(const struct xsr_log *lg, const char *what, uint64_t done,
                  uint64_t total);
const char *xsr_level_name(enum xsr_level level);

/* on_line for stderr: "xensr: error: text"; ctx = program name. */
void xsr_log_to_stderr(void *ctx, enum xsr_level level, const char *text);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formatting of log lines and handing them to a sink. Below the sink's level
 * nothing is formatted, so debug lines cost one comparison. A line is cut
 * rather than refused: logging never fails.
 */
#include "lib/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

void xsr_logv(const struct xsr_log *lg, enum xsr_level level, const char *fmt,
              va_list ap)
{
    char line[LINE_MAX_LEN];
    int saved = errno;
    size_t len;
    int n;

    if (!lg || level > lg->max_level)
        return;
    n = vsnprintf(line, sizeof(line), fmt, ap);
    if (n >= (int)sizeof(line))
        memcpy(line + sizeof(line) - 4, "...", 4);
    len = n < 0 ? 0 : strlen(line);
    while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    line[len] = '\0';
    lg->on_line(lg->ctx, level, line);
    errno = saved;
}

void xsr_log(const struct xsr_log *lg, enum xsr_level level, const char *fmt,
             ...)
{
    va_list ap;

    va_start(ap, fmt);
    xsr_logv(lg, level, fmt, ap);
    va_end(ap);
}

void xsr_progress(const struct xsr_log *lg, const char *what, uint64_t done,
                  uint64_t total)
{
    int saved = errno;

    if (lg && lg->on_progress)
        lg->on_progress(lg->ctx, what, done, total);
    errno = saved;
}

const char *xsr_level_name(enum xsr_level level)
{
    switch (level) {
    case XSR_LOG_ERROR:
        return "error";
    case XSR_LOG_WARN:
        return "warning";
    case XSR_LOG_INFO:
        return "info";
    case XSR_LOG_DEBUG:
        return "debug";
    }
    return "?";
}

void xsr_log_to_stderr(void *ctx, enum xsr_level level, const char *text)
{
    char line[LINE_MAX_LEN + 64];
    size_t done = 0, len;
    ssize_t r;
    int n;

    n = snprintf(line, sizeof(line), "%s: %s: %s\n",
                 ctx ? (const char *)ctx : "xensr", xsr_level_name(level),
                 text);
    if (n < 0)
        return;
    len = (size_t)n;
    if (len >= sizeof(line)) {
        len = sizeof(line) - 1;
        line[len - 1] = '\n';
    }
    /* one write where possible: lines of two processes must not mix */
    while (done < len) {
        r = write(STDERR_FILENO, line + done, len - done);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return;
        done += (size_t)r;
    }
}

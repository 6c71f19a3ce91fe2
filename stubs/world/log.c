/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated host's log file: one line per event, appended with one write,
 * so that lines of several processes never mix. What a real Xen would put on
 * its console (why a call was refused) goes here; so do calls that are not
 * simulated. A log call never fails and never changes errno.
 */
#include "stubs/world/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Nobody reads more; a host that is used for weeks must not fill a disk. */
#define LOG_MAX_BYTES (8 << 20)

void xsr_sim_log(const char *fmt, ...)
{
    struct xsr_err err = XSR_ERR_INIT;
    int saved = errno, fd, n;
    struct timespec now;
    struct tm tm;
    char line[512];
    va_list ap;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = (int)strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
    n += snprintf(line + n, sizeof(line) - (size_t)n, ".%03ldZ %ld ",
                  now.tv_nsec / 1000000, (long)getpid());
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
    va_end(ap);
    n = (int)strlen(line);
    line[n++] = '\n';

    fd = xsr_sim_open("log", O_WRONLY | O_APPEND | O_CREAT, &err);
    if (fd >= 0) {
        if (lseek(fd, 0, SEEK_END) < LOG_MAX_BYTES) {
            ssize_t r = write(fd, line, (size_t)n);
            (void)r; /* a full disk must not fail the simulated call */
        }
        close(fd);
    }
    errno = saved;
}

int xsr_sim_enosys(const char *name)
{
    xsr_sim_log("not simulated: %s", name);
    errno = ENOSYS;
    return -1;
}

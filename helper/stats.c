/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time, octets and passes of a save, counted from outside so that they are
 * the same for every engine: passes from its progress, octets from what the
 * kernel has counted for this process, less the messages to the parent.
 */
#include "helper/stats.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/loop.h"

/* Octets that this process has written to anything. */
static bool written_so_far(uint64_t *out)
{
    xsr_auto_close int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
    char text[512];
    const char *p;
    ssize_t r;

    r = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (r <= 0)
        return false;
    text[r] = '\0';
    p = strstr(text, "wchar: ");
    if (!p)
        return false;
    *out = strtoull(p + 7, NULL, 10);
    return true;
}

void xsr_stats_begin(struct xsr_stats *st, uint64_t n_sent)
{
    memset(st, 0, sizeof(*st));
    st->start_ms = xsr_now_ms();
    st->messages = n_sent;
    st->have_written = written_so_far(&st->written);
}

static void end_phase(struct xsr_stats *st)
{
    if (st->in_phase && st->phase_done) {
        if (!st->have_pages)
            st->pages += st->phase_done;
        st->rounds++;
    }
    st->in_phase = false;
    st->phase_done = 0;
}

void xsr_stats_end(struct xsr_stats *st, uint64_t n_sent)
{
    uint64_t written, messages = n_sent - st->messages;

    end_phase(st);
    st->end_ms = xsr_now_ms();
    if (!st->have_written || !written_so_far(&written) ||
        written - st->written < messages)
        return;
    st->bytes = written - st->written - messages;
    st->have_bytes = true;
}

/* Passes begin at 0; the verify pass sends nothing new. */
void xsr_stats_progress(struct xsr_stats *st, const char *what, uint64_t done,
                        uint64_t total)
{
    if (done == 0 || total == 0)
        end_phase(st);
    if (total == 0 || strcmp(what, "Frames verify") == 0)
        return;
    st->in_phase = true;
    st->phase_done = done;
}

void xsr_stats_pages(struct xsr_stats *st, uint64_t pages)
{
    st->pages = pages;
    st->have_pages = true;
}

void xsr_stats_suspended(struct xsr_stats *st)
{
    st->suspended_ms = xsr_now_ms();
}

bool xsr_stats_line(const struct xsr_stats *st, uint32_t domid, char *line)
{
    uint64_t ms = st->end_ms - st->start_ms;
    char bytes[40] = "", rate[40] = "";

    if (st->checkpointed)
        return false;
    if (st->have_bytes) {
        snprintf(bytes, sizeof(bytes), " %" PRIu64 " bytes,", st->bytes);
        snprintf(rate, sizeof(rate), " %.1f MiB/s,",
                 (double)st->bytes * 1000 / (double)(ms ? ms : 1) / 1048576);
    }
    snprintf(line, XSR_STATS_LINE,
             "saved domain %u: %" PRIu64 " %s,%s %" PRIu64
             " rounds, %.3f s,%s pause %.3f s",
             domid, st->pages, st->have_pages ? "pages" : "frames", bytes,
             st->rounds, (double)ms / 1000, rate,
             st->suspended_ms ? (double)(st->end_ms - st->suspended_ms) / 1000
                              : 0.0);
    return true;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Progress for people: phase, percent, rate, time left. On a terminal one line
 * that is written over; elsewhere a plain line every two seconds. The percents
 * come from the position in the input file where there is one (any helper
 * moves it), else from what the helper reports.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/loop.h"
#include "lib/util.h"
#include "tools/tools.h"

#define TERMINAL_MS 200u
#define PLAIN_MS    2000u

static struct {
    const struct xsr_input *in;
    bool on, terminal, line_open;
    char what[64];
    uint64_t start_ms, last_ms;
} pr;

void xsr_progress_init(const struct xsr_input *in)
{
    pr.in = in;
    pr.on = !xsr_tool.quiet;
    pr.terminal = isatty(STDERR_FILENO);
    pr.line_open = false;
    pr.what[0] = '\0';
}

void xsr_progress_clear(void)
{
    if (pr.line_open)
        fputs("\r\033[K", stderr);
    pr.line_open = false;
}

void xsr_progress_fini(void)
{
    xsr_progress_clear();
    pr.on = false;
    pr.in = NULL;
}

/* 0..100, or -1 if nobody knows. */
static double percent(uint64_t done, uint64_t total)
{
    int64_t pos = pr.in ? xsr_input_pos(pr.in) : -1;

    if (pos >= 0 && pr.in->size) {
        done = (uint64_t)pos;
        total = pr.in->size;
    }
    if (!total)
        return -1;
    return done >= total ? 100 : 100.0 * (double)done / (double)total;
}

static void print(double part, uint64_t done, uint64_t now)
{
    double seconds = (double)(now - pr.start_ms) / 1000;
    char shown[32] = "", left[32] = "";
    double rate = 0;

    if (seconds > 0)
        rate = (double)done * XSR_PAGE_SIZE / (1 << 20) / seconds;
    if (part >= 0)
        snprintf(shown, sizeof(shown), " %3.0f %%,", part);
    if (part > 1 && part < 100)
        snprintf(left, sizeof(left), ", %.0f s left",
                 seconds * (100 - part) / part);
    fprintf(stderr, "%s%s:%s %.0f MiB/s%s%s",
            pr.terminal ? "\r" : "xensr: ", pr.what, shown, rate, left,
            pr.terminal ? "\033[K" : "\n");
    pr.line_open = pr.terminal;
    fflush(stderr);
}

void xsr_progress_report(const char *what, uint64_t done, uint64_t total)
{
    uint64_t now = xsr_now_ms();

    if (!pr.on)
        return;
    if (strcmp(what, pr.what) != 0) {
        snprintf(pr.what, sizeof(pr.what), "%s", what);
        pr.start_ms = pr.last_ms = now;
        return; /* no rate yet */
    }
    if (now - pr.last_ms < (pr.terminal ? TERMINAL_MS : PLAIN_MS))
        return;
    pr.last_ms = now;
    print(percent(done, total), done, now);
}

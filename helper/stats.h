/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Figures of one save, for people (one line at its end) and for toolstacks
 * that read it. docs/formats/helper-ipc.md
 */
#ifndef XSR_HELPER_STATS_H
#define XSR_HELPER_STATS_H

#include <stdbool.h>
#include <stdint.h>

#define XSR_STATS_LINE 200

struct xsr_stats {
    uint64_t pages;  /* sent, or looked at if the engine tells no better */
    uint64_t rounds; /* passes over memory, the last one included */
    uint64_t bytes;  /* of the stream */
    bool have_bytes;
    bool checkpointed;     /* it ended because somebody wanted it to */
    uint64_t suspended_ms; /* when the guest was; 0: it was not */
    uint64_t start_ms, end_ms;
    /* private: what this process had written before, messages included */
    uint64_t written, messages;
    uint64_t phase_done;
    bool have_written, have_pages, in_phase;
};

/* n_sent: octets of messages to the parent so far. */
void xsr_stats_begin(struct xsr_stats *st, uint64_t n_sent);
void xsr_stats_end(struct xsr_stats *st, uint64_t n_sent);
/* What the engine reports while it works. */
void xsr_stats_progress(struct xsr_stats *st, const char *what, uint64_t done,
                        uint64_t total);
/* The engine has counted them itself. */
void xsr_stats_pages(struct xsr_stats *st, uint64_t pages);
void xsr_stats_suspended(struct xsr_stats *st);
/* False: nothing to say. line has XSR_STATS_LINE bytes. */
bool xsr_stats_line(const struct xsr_stats *st, uint32_t domid, char *line);

#endif

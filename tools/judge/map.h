/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Four bits for each pfn, up to 2^40 of them, in little memory: half an octet
 * for each page where neighbours differ, nothing where 1024 of them are alike.
 * Several maps share one budget, and a set that would pass it is refused: an
 * image cannot make check grow.
 */
#ifndef XSR_TOOLS_JUDGE_MAP_H
#define XSR_TOOLS_JUDGE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define CHK_MAP_RUN 1024u /* pfns that are alike together */

struct chk_map {
    void **top[1024]; /* 2^30 pfns each; below: 2^20 each; below: runs */
    uint64_t *left;   /* octets that the maps may still take */
};

void chk_map_init(struct chk_map *m, uint64_t *left);
void chk_map_fini(struct chk_map *m);
/* 0 where nothing was set. pfn: at most XSR_MAX_PFN. */
uint8_t chk_map_get(const struct chk_map *m, uint64_t pfn);
/* false: no budget or memory left; nothing was changed. */
bool chk_map_set(struct chk_map *m, uint64_t pfn, uint8_t value);
/* All of a run whose first pfn it is (a multiple of CHK_MAP_RUN). */
bool chk_map_fill(struct chk_map *m, uint64_t pfn, uint8_t value);
/* fn for each pfn that is not 0, ascending. */
void chk_map_each(const struct chk_map *m,
                  void (*fn)(void *ctx, uint64_t pfn, uint8_t value),
                  void *ctx);

#endif

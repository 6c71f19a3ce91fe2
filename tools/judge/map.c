/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tree of three levels of 1024; its leaves are runs. A run is a number while
 * all its pfns are alike (the low bit tells it from a pointer), else 512
 * octets of two pfns each.
 */
#include "tools/judge/map.h"

#include <stdlib.h>
#include <string.h>

#define FAN     1024u
#define RUN_LEN (CHK_MAP_RUN / 2)

void chk_map_init(struct chk_map *m, uint64_t *left)
{
    *m = (struct chk_map){.left = left};
}

static void *same(uint8_t value)
{
    return (void *)((uintptr_t)value << 1 | 1);
}

static bool is_same(const void *run)
{
    return !run || ((uintptr_t)run & 1);
}

static uint8_t value_of(const void *run)
{
    return (uint8_t)((uintptr_t)run >> 1);
}

void chk_map_fini(struct chk_map *m)
{
    for (unsigned i = 0; i < FAN; i++) {
        if (!m->top[i])
            continue;
        for (unsigned k = 0; k < FAN; k++) {
            void **runs = m->top[i][k];

            for (unsigned n = 0; runs && n < FAN; n++)
                if (!is_same(runs[n]))
                    free(runs[n]);
            free(runs);
        }
        free(m->top[i]);
        m->top[i] = NULL;
    }
}

static void *take(struct chk_map *m, size_t n)
{
    void *p;

    if (*m->left < n)
        return NULL;
    p = calloc(1, n);
    if (p)
        *m->left -= n;
    return p;
}

/* Where the run of pfn hangs; NULL if there is none and none may be made. */
static void **find(struct chk_map *m, uint64_t pfn, bool make)
{
    void ***top = &m->top[pfn >> 30 & (FAN - 1)], **runs;
    unsigned k = pfn >> 20 & (FAN - 1);

    if (!*top) {
        if (!make || !(*top = take(m, FAN * sizeof(void *))))
            return NULL;
    }
    runs = (*top)[k];
    if (!runs) {
        if (!make || !(runs = take(m, FAN * sizeof(void *))))
            return NULL;
        (*top)[k] = runs;
    }
    return &runs[pfn >> 10 & (FAN - 1)];
}

static uint8_t peek(const void *run, unsigned n)
{
    if (is_same(run))
        return value_of(run);
    return ((const uint8_t *)run)[n / 2] >> (n % 2 * 4) & 0xf;
}

uint8_t chk_map_get(const struct chk_map *m, uint64_t pfn)
{
    void **top = m->top[pfn >> 30 & (FAN - 1)];
    void **runs = top ? top[pfn >> 20 & (FAN - 1)] : NULL;

    return runs ? peek(runs[pfn >> 10 & (FAN - 1)], pfn % CHK_MAP_RUN) : 0;
}

bool chk_map_set(struct chk_map *m, uint64_t pfn, uint8_t value)
{
    void **run = find(m, pfn, true);
    unsigned n = pfn % CHK_MAP_RUN, shift = n % 2 * 4;
    uint8_t *at;

    if (!run)
        return false;
    if (is_same(*run)) {
        uint8_t old = value_of(*run);
        uint8_t *mem;

        if (old == value)
            return true;
        mem = take(m, RUN_LEN);
        if (!mem)
            return false;
        memset(mem, old << 4 | old, RUN_LEN);
        *run = mem;
    }
    at = (uint8_t *)*run + n / 2;
    *at = (uint8_t)((*at & ~(0xf << shift)) | value << shift);
    return true;
}

bool chk_map_fill(struct chk_map *m, uint64_t pfn, uint8_t value)
{
    void **run = find(m, pfn, true);

    if (!run)
        return false;
    if (!is_same(*run)) {
        free(*run);
        *m->left += RUN_LEN;
    }
    *run = same(value);
    return true;
}

static void each_run(void **runs, uint64_t pfn,
                     void (*fn)(void *ctx, uint64_t pfn, uint8_t value),
                     void *ctx)
{
    for (unsigned r = 0; r < FAN; r++, pfn += CHK_MAP_RUN) {
        if (is_same(runs[r]) && !value_of(runs[r]))
            continue;
        for (unsigned n = 0; n < CHK_MAP_RUN; n++)
            if (peek(runs[r], n))
                fn(ctx, pfn + n, peek(runs[r], n));
    }
}

void chk_map_each(const struct chk_map *m,
                  void (*fn)(void *ctx, uint64_t pfn, uint8_t value), void *ctx)
{
    for (uint64_t i = 0; i < FAN; i++)
        for (uint64_t k = 0; m->top[i] && k < FAN; k++)
            if (m->top[i][k])
                each_run(m->top[i][k], i << 30 | k << 20, fn, ctx);
}

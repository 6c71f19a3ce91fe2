/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page contents for genimage: zero, text-like or random by fixed shares. What
 * a page holds depends on seed, pfn and round alone, so any page can be made
 * again without keeping it. Text is cut from a corpus made of a word list, so
 * it compresses about as well as text does and costs no more than a copy.
 */
#ifndef XSR_TESTS_GEN_CONTENT_H
#define XSR_TESTS_GEN_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"

#define CORPUS_LEN (1u << 20)

struct content {
    uint64_t seed;
    unsigned zero_pct, text_pct; /* the rest is random */
    char corpus[CORPUS_LEN];
};

static inline uint64_t mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static inline void content_init(struct content *c, uint64_t seed)
{
    static const char *const words[] = {
        "the ",     "guest ", "page ",       "of ",
        "memory ",  "and ",   "a ",          "kernel ",
        "to ",      "file ",  "is ",         "buffer ",
        "in ",      "inode ", "/usr/lib/",   "x86_64-linux-gnu/",
        "error: ",  "0x",     "value ",      "return ",
        "static ",  "int ",   "struct ",     "systemd ",
        "for ",     "with ",  "journal ",    "on ",
        "network ", "disk ",  "\n",          ", ",
        ". ",       "GET /",  "index.html ", "2024-11-21 ",
        "cache ",   "at ",    "was ",        "not ",
        "found ",   "that ",
    };
    uint64_t state = seed;
    size_t n = 0;

    c->seed = seed;
    while (n < CORPUS_LEN) {
        const char *word = words[(state = mix64(state)) % XSR_ARRAY_LEN(words)];
        size_t len = strlen(word);

        len = len < CORPUS_LEN - n ? len : CORPUS_LEN - n;
        memcpy(c->corpus + n, word, len);
        n += len;
    }
}

static inline void content_random(uint8_t *p, size_t len, uint64_t key)
{
    uint64_t s0 = mix64(key), s1 = mix64(s0);

    for (size_t i = 0; i < len; i += 8) { /* xoroshiro128+ */
        uint64_t v = s0 + s1;

        memcpy(p + i, &v, 8);
        s1 ^= s0;
        s0 = (s0 << 24 | s0 >> 40) ^ s1 ^ s1 << 16;
        s1 = s1 << 37 | s1 >> 27;
    }
}

/* round: 0 in the first pass; a page sent again holds something else. */
static inline void content_fill(const struct content *c, uint8_t *page,
                                uint64_t pfn, unsigned round)
{
    uint64_t key = mix64(c->seed ^ mix64(pfn + ((uint64_t)round << 56)));
    unsigned pick = (unsigned)(key % 100);
    size_t at;

    if (pick < c->zero_pct) {
        memset(page, 0, XSR_PAGE_SIZE);
    } else if (pick < c->zero_pct + c->text_pct) {
        at = (key >> 32) % (CORPUS_LEN - XSR_PAGE_SIZE);
        memcpy(page, c->corpus + at, XSR_PAGE_SIZE);
        xsr_st_le64(page, pfn); /* no two pages alike */
    } else {
        content_random(page, XSR_PAGE_SIZE, key);
    }
}

#endif

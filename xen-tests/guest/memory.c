/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in the test guest's memory. A page's content follows from the seed,
 * its index and its generation, which is how often it was rewritten; every
 * 16th generation of a page is all zero. The generations lie in pages of their
 * own, a digest over them in the image's variables, and suspend.c carries the
 * digest through a suspend in a register too. So whatever is lost, swapped or
 * older than the moment of the suspend does not go unnoticed.
 */
#include "xg.h"

static unsigned long n_pages;
static uint32_t *generations;
static uint32_t *hot;
static unsigned long n_hot;
static uint64_t n_writes, digest;
static unsigned long next_check;

struct content {
    uint64_t first, step;
};

/* The kinds of pages: forever zero, rewritten, and those that just are. */
static bool is_zero(unsigned long index)
{
    return xg_mix(xg_options.seed * 3 + index) % 100 < xg_options.zero;
}

static bool is_hot(unsigned long index)
{
    return !is_zero(index) &&
           xg_mix(xg_options.seed * 5 + index) % 100 < xg_options.hot;
}

static struct content content_of(unsigned long index, uint32_t generation)
{
    struct content c = {0, 0};

    if (is_zero(index) || generation % 16 == 15)
        return c;
    c.first =
        xg_mix(xg_mix(xg_options.seed) ^ ((uint64_t)index << 32 | generation));
    c.step = xg_mix(c.first) | 1;
    return c;
}

static uint64_t share_of(unsigned long index, uint32_t generation)
{
    return generation ? xg_mix((uint64_t)index << 32 | generation) : 0;
}

static uint64_t *page_of(unsigned long index)
{
    return (uint64_t *)(xg_pfn_of(index) * XG_PAGE);
}

static void put_content(uint64_t *page, struct content c)
{
    for (unsigned i = 0; i < XG_WORDS; i += 4) {
        page[i] = c.first;
        page[i + 1] = c.first + c.step;
        page[i + 2] = c.first + 2 * c.step;
        page[i + 3] = c.first + 3 * c.step;
        c.first += 4 * c.step;
    }
}

void xg_memory_fill(void)
{
    unsigned long n = xg_n_pages();
    unsigned long words = (n + 1023) / 1024;

    generations = xg_own(words);
    hot = xg_own(words);
    n_pages = xg_n_pages();
    for (unsigned long i = 0; i < n_pages; i++) {
        put_content(page_of(i), content_of(i, 0));
        if (is_hot(i))
            hot[n_hot++] = (uint32_t)i;
    }
}

void xg_memory_write(uint64_t n)
{
    if (!n_hot)
        return;
    for (; n; n--) {
        uint32_t i = hot[xg_mix(xg_options.seed + n_writes) % n_hot];
        uint32_t generation = ++generations[i];

        digest ^= share_of(i, generation - 1) ^ share_of(i, generation);
        n_writes++;
        put_content(page_of(i), content_of(i, generation));
    }
}

uint64_t xg_memory_writes(void)
{
    return n_writes;
}

uint64_t xg_memory_digest(void)
{
    return digest;
}

void xg_memory_spoil(unsigned long index)
{
    page_of(index % n_pages)[xg_mix(index) % XG_WORDS] ^= 1ull << index % 64;
}

static void check_page(unsigned long index)
{
    struct content c = content_of(index, generations[index]);
    const uint64_t *page = page_of(index);
    uint64_t word = c.first, wrong = 0;

    for (unsigned i = 0; i < XG_WORDS; i += 4) {
        wrong |= (page[i] ^ word) | (page[i + 1] ^ (word + c.step)) |
                 (page[i + 2] ^ (word + 2 * c.step)) |
                 (page[i + 3] ^ (word + 3 * c.step));
        word += 4 * c.step;
    }
    for (unsigned i = 0; wrong && i < XG_WORDS; i++) {
        word = c.first + i * c.step;
        if (page[i] != word) {
            xg_damaged_page(xg_pfn_of(index), i * 8, page[i], word);
            return;
        }
    }
}

/* Each second a sixteenth, so that an "alive" says more than that. */
void xg_memory_check_some(void)
{
    unsigned long n = n_pages / 16 + 1;

    if (n > 2048)
        n = 2048;
    for (; n; n--) {
        check_page(next_check);
        next_check = (next_check + 1) % n_pages;
    }
}

static void check_generations(void)
{
    uint64_t sum = 0, shares = 0;

    for (unsigned long i = 0; i < n_pages; i++) {
        sum += generations[i];
        shares ^= share_of(i, generations[i]);
    }
    if (sum != n_writes)
        xg_damaged("generations", sum, n_writes);
    if (shares != digest)
        xg_damaged("digest", shares, digest);
}

/* Code and constants, except for the page that Xen writes. */
static void check_image(void)
{
    static uint64_t at_first;
    const uint64_t *end = (uint64_t *)xg_constant_end;
    uint64_t sum = 1;

    for (const uint64_t *p = (uint64_t *)(xg_image + XG_PAGE); p < end; p++)
        sum = xg_mix(sum ^ *p);
    if (!at_first)
        at_first = sum;
    else if (sum != at_first)
        xg_damaged("image", sum, at_first);
}

void xg_memory_check_all(void)
{
    for (unsigned long i = 0; i < n_pages; i++)
        check_page(i);
    check_generations();
    check_image();
}

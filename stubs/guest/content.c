/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in a page of a simulated guest: a function of the guest's seed, the
 * page's number and its version (how often it was written). A mixture as in a
 * real guest: pages that stay zero, text that compresses well, and octets that
 * do not compress at all. Written by create.c and run.c, checked by verify.c.
 */
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/guest/gi.h"

#define GOLDEN   0x9e3779b97f4a7c15ull
#define N_WORDS  (XSR_PAGE_SIZE / 8)
#define PER_DRAW 10u /* words of text from one draw: 6 bits each */

static const char text[64][9] = {
    "the page",       " of the ",       "kernel  ",       "\n\tstruct",
    " = NULL;",       "return 0",       "; }\n\n   ",     "/* and *",
    "buffer, ",       "request ",       "address ",       "0x000000",
    "12345678",       "<tr><td>",       "</td></t",       "GET /ind",
    "HTTP/1.1",       "\r\nHost: ",     "\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0",
    "\1\0\0\0\0\0\0", "\2\0\0\0\1\0\0", "libc.so.",       "GLIBC_2.",
    "        ",       "        ",       "-rw-r--r",       " root ro",
    "/usr/lib",       "/etc/ini",       "error: c",       "warning:",
    "INSERT I",       "NTO t VA",       "LUES (1,",       " 2, 3);\n",
    "xenbus: ",       "eth0: li",       "nk is up",       "process ",
    "started ",       "stopped ",       "(unknown",       "systemd[",
    "1]: Star",       "ted Sess",       "ion c1 o",       "f user r",
    "oot.\n202",      "4-01-01 ",       "00:00:00",       " UTC hos",
    "t sshd[4",       "2]: Acce",       "pted pub",       "lickey f",
    "or admin",       " from 10",       ".0.0.1 p",       "ort 2222",
    "2 ssh2: ",       "ED25519 ",       "SHA256:a",       "bcdefgh\n",
};

uint64_t xsr_g_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static uint64_t page_hash(uint64_t seed, uint64_t pfn)
{
    return xsr_g_mix(xsr_g_mix(seed + GOLDEN) ^ (pfn * GOLDEN));
}

bool xsr_content_is_zero(uint64_t seed, uint64_t pfn, uint32_t zero_pct)
{
    return page_hash(seed, pfn) % 100 < zero_pct;
}

static void fill_text(uint64_t *word, uint64_t state)
{
    unsigned i, k;

    for (i = 2; i < N_WORDS; i += PER_DRAW) {
        uint64_t draw = xsr_g_mix(state += GOLDEN);

        for (k = i; k < i + PER_DRAW && k < N_WORDS; k++, draw >>= 6)
            memcpy(&word[k], text[draw & 63], 8);
    }
}

static void fill_random(uint64_t *word, uint64_t state)
{
    unsigned i;

    for (i = 2; i < N_WORDS; i++)
        word[i] = xsr_g_mix(state += GOLDEN);
}

/* The first two words say which page it is, for people who look at one. */
void xsr_content_fill(uint64_t seed, uint64_t pfn, uint32_t version, void *page)
{
    uint64_t hash = page_hash(seed, pfn), *word = page;

    xsr_st_le64(&word[0], pfn);
    xsr_st_le64(&word[1], version);
    if ((hash >> 32) % 4 == 0)
        fill_random(word, hash + version * GOLDEN);
    else
        fill_text(word, hash + version * GOLDEN);
}

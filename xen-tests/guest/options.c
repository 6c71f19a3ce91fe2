/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test guest's command line (extra= of the domain's configuration): words
 * NAME=VALUE. A word that is not understood stops the guest at once, since a
 * test with a misspelt option would prove something else than it says.
 */
#include "xg.h"

struct xg_options xg_options = {
    .seed = 1,
    .rate = 0,
    .hot = 10,
    .zero = 40,
    .suspend = XG_BY_XENSTORE,
    .damage = -1,
};

static char word[64];

static bool get_number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > max / 10)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out = value;
    return value <= max;
}

static bool get_u32(const char *text, uint64_t max, uint32_t *out)
{
    uint64_t value;

    if (!get_number(text, max, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool get_way(const char *text)
{
    static const char *const ways[] = {"xenstore", "evtchn", "none"};

    for (unsigned i = 0; i < 3; i++)
        if (xg_same(text, ways[i])) {
            xg_options.suspend = (enum xg_suspend)i;
            return true;
        }
    return false;
}

static bool understand(const char *text)
{
    struct xg_options *o = &xg_options;
    uint64_t index;

    if (xg_starts(text, "seed="))
        return get_number(text + 5, UINT64_MAX / 2, &o->seed);
    if (xg_starts(text, "rate="))
        return get_u32(text + 5, 10000000, &o->rate);
    if (xg_starts(text, "hot="))
        return get_u32(text + 4, 100, &o->hot);
    if (xg_starts(text, "zero="))
        return get_u32(text + 5, 100, &o->zero);
    if (xg_starts(text, "suspend="))
        return get_way(text + 8);
    if (xg_starts(text, "p2m=")) {
        o->p2m_tree = xg_same(text + 4, "tree");
        return o->p2m_tree || xg_same(text + 4, "list");
    }
    if (xg_starts(text, "damage=") && get_number(text + 7, 1u << 30, &index)) {
        o->damage = (int64_t)index;
        return true;
    }
    return false;
}

const char *xg_options_read(const char *line)
{
    for (;;) {
        size_t len = 0;

        while (*line == ' ')
            line++;
        if (!*line)
            return NULL;
        while (*line && *line != ' ' && len < sizeof(word) - 1)
            word[len++] = *line++;
        word[len] = 0;
        if (!understand(word))
            return word;
    }
}

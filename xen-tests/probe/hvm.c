/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about the parameters and the context of HVM and PVH domains: which
 * parameters exist, which values they take, which change only once; how much
 * context there is, with buffers that are too short, and which chains a load
 * refuses.
 */
#include "probe.h"

static void set_param(uint32_t domid, unsigned index, uint64_t value)
{
    uint64_t now = 0;
    char what[64];
    long rc;

    snprintf(what, sizeof(what), "parameter %u = %#lx", index,
             (unsigned long)value);
    rc = xc_hvm_param_set(xch, domid, index, value);
    if (rc < 0) {
        gave(what, rc);
        return;
    }
    rc = xc_hvm_param_get(xch, domid, index, &now);
    if (rc < 0)
        said(what, "0; it cannot be read: %s", errno_name(errno));
    else
        said(what, "0; it is %#lx", (unsigned long)now);
}

static void ask_params(enum kind kind)
{
    static const uint64_t values[] = {1, 2, 3, 0, 0x1234567ull, 1ull << 40};
    uint32_t domid = new_domain(kind, 1, 64);
    uint64_t now, list[8];
    unsigned i, k;
    char what[64];
    long rc;

    give_pages(domid, 0, 8, list);
    for (i = 0; i <= HVM_NR_PARAMS; i++) {
        snprintf(what, sizeof(what), "parameter %u of a new domain", i);
        rc = xc_hvm_param_get(xch, domid, i, &now);
        if (rc < 0)
            gave(what, rc);
        else
            said(what, "%#lx", (unsigned long)now);
    }
    for (i = 0; i <= HVM_NR_PARAMS; i++)
        for (k = 0; k < COUNT_OF(values); k++)
            set_param(domid, i, values[k]);
    set_param(domid, HVM_PARAM_VM86_TSS_SIZED, 104ull << 32 | 0x2000);
    set_param(domid, HVM_PARAM_VM86_TSS_SIZED, 9000ull << 32 | 0x2000);
    set_param(domid, HVM_PARAM_VM86_TSS, 0x3000);
    set_param(domid, HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 0x30);
    set_param(domid, HVM_PARAM_CALLBACK_IRQ, 1ull << 56 | 0x1800);
    set_param(domid, HVM_PARAM_IDENT_PT, 0x5000);
    destroy(domid);
}

/* ---- the context --------------------------------------------------------- */

static const char *entry_name(char *to, size_t len, unsigned code,
                              unsigned instance)
{
    snprintf(to, len, "context entry %u/%u", code, instance);
    return to;
}

static void ask_entries(uint32_t domid)
{
    uint8_t *one = malloc(PAGE);
    unsigned code, instance;
    char what[64], wrong[96];

    for (code = 0; code <= 22; code++) {
        for (instance = 0; instance < 3; instance++) {
            entry_name(what, sizeof(what), code, instance);
            gave(what, xc_domain_hvm_getcontext_partial(
                           xch, domid, (uint16_t)code, (uint16_t)instance, one,
                           PAGE));
        }
        snprintf(wrong, sizeof(wrong), "context entry %u in 8 octets", code);
        gave(wrong, xc_domain_hvm_getcontext_partial(xch, domid, (uint16_t)code,
                                                     0, one, 8));
    }
    free(one);
}

/* Types and lengths of a chain, without what the CPU decides. */
static void show_chain(const char *what, const uint8_t *p, size_t len)
{
    char text[480] = "";
    size_t at = 0, n = 0;
    uint16_t code = 1, instance;
    uint32_t size;

    while (at + 8 <= len && code) {
        memcpy(&code, p + at, 2);
        memcpy(&instance, p + at + 2, 2);
        memcpy(&size, p + at + 4, 4);
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %u/%u", code,
                              instance);
        if (code != 16 && code != 20)
            n += (size_t)snprintf(text + n, sizeof(text) - n, ":%u", size);
        at += 8 + (size_t)size;
    }
    said(what, "%s, %ld octets behind the end", text, (long)(len - at));
}

static void try_load(const char *what, uint32_t domid, const uint8_t *p,
                     size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    memcpy(copy, p, len);
    gave(what, xc_domain_hvm_setcontext(xch, domid, copy, (uint32_t)len));
    free(copy);
}

/* Where an entry of this type is in a chain; 0: nowhere. */
static size_t find(const uint8_t *p, size_t len, unsigned wanted)
{
    uint16_t code;
    uint32_t size;
    size_t at;

    for (at = 0; at + 8 <= len; at += 8 + (size_t)size) {
        memcpy(&code, p + at, 2);
        memcpy(&size, p + at + 4, 4);
        if (code == wanted)
            return at;
    }
    return 0;
}

/* One entry of each type says that it is another one's, longer or shorter. */
static void ask_bad_entries(uint32_t domid, uint8_t *c, const uint8_t *chain,
                            size_t len)
{
    char what[64];
    unsigned code;
    size_t at;

    for (code = 2; code <= 20; code++) {
        at = find(chain, len, code);
        if (!at)
            continue;
        memcpy(c, chain, len);
        c[at + 2] = 99;
        snprintf(what, sizeof(what), "load entry %u as instance 99", code);
        try_load(what, domid, c, len);
        memcpy(c, chain, len);
        memmove(c + at + 8 + 1, c + at + 8, len - at - 8);
        c[at + 4]++;
        snprintf(what, sizeof(what), "load entry %u with an octet more", code);
        try_load(what, domid, c, len + 1);
        memcpy(c, chain, len);
        memmove(c + at + 8, c + at + 8 + 1, len - at - 9);
        c[at + 4]--;
        snprintf(what, sizeof(what), "load entry %u with an octet less", code);
        if (chain[at + 4])
            try_load(what, domid, c, len - 1);
    }
}

static void ask_loads(uint32_t domid, const uint8_t *chain, size_t len)
{
    uint8_t *c = malloc(2 * len);

    memcpy(c, chain, len);
    memset(c + len, 0x55, len);
    try_load("load what was fetched", domid, c, len);
    try_load("load it with octets behind the end", domid, c, len + 64);
    try_load("load it without its end", domid, c, len - 8);
    try_load("load it cut in the end", domid, c, len - 4);
    try_load("load it cut in an entry", domid, c, len - 12);
    try_load("load its header alone", domid, c, 24 + 8);
    try_load("load half its header", domid, c, 20);
    try_load("load nothing", domid, c, 0);
    c[8] ^= 1;
    try_load("load a wrong magic", domid, c, len);
    c[8] ^= 1;
    c[12] ^= 2;
    try_load("load a wrong version", domid, c, len);
    c[12] ^= 2;
    c[32] = 77; /* the entry behind the header */
    try_load("load an unknown entry", domid, c, len);
    ask_bad_entries(domid, c, chain, len);
    free(c);
}

static void ask_whole(enum kind kind)
{
    uint32_t domid = new_domain(kind, 2, 64);
    uint64_t list[8];
    uint8_t *chain;
    int len, got;

    give_pages(domid, 0, 8, list);
    len = xc_domain_hvm_getcontext(xch, domid, NULL, 0);
    said("size of the context", "%s",
         len < 0   ? errno_name(errno)
         : len > 0 ? "some"
                   : "none");
    if (len <= 0) {
        destroy(domid);
        return;
    }
    chain = calloc(2, (size_t)len);
    gave("context in 8 octets", xc_domain_hvm_getcontext(xch, domid, chain, 8));
    got = xc_domain_hvm_getcontext(xch, domid, chain, (uint32_t)len);
    said("context in as many octets as asked for", "%s",
         got < 0      ? errno_name(errno)
         : got == len ? "all"
                      : "fewer");
    if (got > 0)
        show_chain("the chain of a new domain", chain, (size_t)got);
    ask_entries(domid);
    if (got > 0)
        ask_loads(domid, chain, (size_t)got);
    said("vCPUs online after loading", "%u", info_of(domid).nr_online_vcpus);
    got = xc_domain_hvm_getcontext(xch, domid, chain, (uint32_t)len * 2);
    if (got > 0)
        show_chain("the chain after loading", chain, (size_t)got);
    free(chain);
    destroy(domid);
}

void ask_hvm(void)
{
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("hvm", kind);
        ask_params((enum kind)kind);
    }
}

void ask_context(void)
{
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("context", kind);
        ask_whole((enum kind)kind);
    }
}

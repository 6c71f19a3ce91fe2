/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options of the generator of legacy streams (legacy.c), each one property
 * that savers of Xen 4.0 to 4.5 had, or a way in which streams differ.
 */
#ifndef XSR_TESTS_GEN_LEGACY_OPTS_H
#define XSR_TESTS_GEN_LEGACY_OPTS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct opts {
    bool hvm, live, verify, no_vcpus, twice_vcpus, all_xtab, old_xtab, tmem;
    bool unknown_block, nameless, compress, half_ioreq, xl;
    unsigned guest_width, pages, batch, physmap, checkpoints, generation;
    unsigned unmapped, state;
    int max_vcpu;
    uint32_t xsave[2]; /* of even and odd vCPUs; 0: none */
    const char *signature;
};

static const char usage[] =
    "usage: legacy [--type pv|hvm] [--width 32|64] [--guest-width 32|64]\n"
    "    [--pages N] [--max-vcpu ID] [--batch N] [--live] [--verify]\n"
    "    [--xsave N[,N]] [--physmap N] [--nameless] [--state N]\n"
    "    [--signature libxl|xend|remus|xenserver|NAME] [--xl] [--unmapped N]\n"
    "    [--checkpoints N [--compress]] [--generation N]\n"
    "    [--no-vcpus] [--twice-vcpus] [--all-xtab] [--old-xtab] [--tmem]\n"
    "    [--unknown-block] [--half-ioreq] > STREAM\n";

static inline unsigned opt_number(const char *text)
{
    char *end;
    unsigned long v = strtoul(text, &end, 0);

    if (end == text || (*end && *end != ',') || v > 1u << 28) {
        fprintf(stderr, "legacy: %s is no number\n%s", text, usage);
        exit(2);
    }
    return (unsigned)v;
}

static inline void opt_value(int c, const char *arg, struct opts *o,
                             unsigned *width)
{
    const char *comma = strchr(arg, ',');

    if (c == 't')
        o->hvm = !strcmp(arg, "hvm");
    else if (c == 'w')
        *width = opt_number(arg) / 8;
    else if (c == 'g')
        o->guest_width = opt_number(arg) / 8;
    else if (c == 'p')
        o->pages = opt_number(arg);
    else if (c == 'm')
        o->max_vcpu = (int)opt_number(arg);
    else if (c == 'b')
        o->batch = opt_number(arg);
    else if (c == 'P')
        o->physmap = opt_number(arg);
    else if (c == 's')
        o->signature = arg;
    else if (c == 'c')
        o->checkpoints = opt_number(arg);
    else if (c == 'G')
        o->generation = opt_number(arg);
    else if (c == 'u')
        o->unmapped = opt_number(arg);
    else if (c == 'S')
        o->state = opt_number(arg);
    if (c == 'x') {
        o->xsave[0] = opt_number(arg);
        o->xsave[1] = comma ? opt_number(comma + 1) : o->xsave[0];
    }
}

static inline void opt_read(int argc, char **argv, struct opts *o,
                            unsigned *width)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"live", &o->live},
        {"verify", &o->verify},
        {"no-vcpus", &o->no_vcpus},
        {"twice-vcpus", &o->twice_vcpus},
        {"all-xtab", &o->all_xtab},
        {"old-xtab", &o->old_xtab},
        {"tmem", &o->tmem},
        {"unknown-block", &o->unknown_block},
        {"nameless", &o->nameless},
        {"compress", &o->compress},
        {"half-ioreq", &o->half_ioreq},
        {"xl", &o->xl},
    };
    enum { N_FLAGS = sizeof flags / sizeof flags[0] };
    static const struct option values[] = {
        {"type", 1, NULL, 't'},        {"width", 1, NULL, 'w'},
        {"guest-width", 1, NULL, 'g'}, {"pages", 1, NULL, 'p'},
        {"max-vcpu", 1, NULL, 'm'},    {"batch", 1, NULL, 'b'},
        {"xsave", 1, NULL, 'x'},       {"physmap", 1, NULL, 'P'},
        {"signature", 1, NULL, 's'},   {"checkpoints", 1, NULL, 'c'},
        {"generation", 1, NULL, 'G'},  {"unmapped", 1, NULL, 'u'},
        {"state", 1, NULL, 'S'},
    };
    enum { N_VALUES = sizeof values / sizeof values[0] };
    struct option all[N_VALUES + N_FLAGS + 1] = {{NULL, 0, NULL, 0}};
    int c;

    memcpy(all, values, sizeof values);
    for (int i = 0; i < N_FLAGS; i++)
        all[N_VALUES + i] = (struct option){flags[i].name, 0, NULL, 1000 + i};
    while ((c = getopt_long(argc, argv, "", all, NULL)) != -1) {
        if (c == '?') {
            fputs(usage, stderr);
            exit(2);
        }
        if (c >= 1000)
            *flags[c - 1000].flag = true;
        else
            opt_value(c, optarg, o, width);
    }
}

#endif

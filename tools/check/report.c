/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was found, as text for people; report_json.c has it for programs.
 * Comes last: everything has been read and judged.
 */
#include <stdio.h>

#include "lib/util.h"
#include "stream/xc3.h"
#include "tools/check/check.h"

/* Errors that are damage; the others are what nothing here can restore. */
static uint64_t n_damage(const struct chk *c)
{
    uint64_t n = 0;

    for (int i = 0; i < CHK_N_RULES; i++)
        if (chk_rules[i].severity == CHK_ERROR &&
            !(chk_rules[i].flags & CHK_UNSUPPORTED))
            n += c->found.n_of_rule[i];
    return n;
}

bool chk_we_refuse(const struct chk *c)
{
    for (int i = 0; i < CHK_N_RULES; i++)
        if (chk_rules[i].flags & CHK_WE_REFUSE && c->found.n_of_rule[i])
            return true;
    return false;
}

int chk_exit_code(const struct chk *c)
{
    if (n_damage(c))
        return 3;
    return c->found.n[CHK_ERROR] || chk_we_refuse(c) ? 4 : 0;
}

const char *chk_verdict(const struct chk *c)
{
    if (n_damage(c))
        return "damaged";
    if (c->found.n[CHK_ERROR])
        return "not supported";
    return chk_we_refuse(c) ? "valid, but xensr restore refuses it" : "valid";
}

const char *chk_guest_name(const struct chk *c)
{
    if (c->f.type[0])
        return !strcmp(c->f.type, "pv")    ? "PV"
               : !strcmp(c->f.type, "pvh") ? "PVH"
                                           : "HVM";
    return !c->f.have_image           ? "unknown"
           : c->f.guest == XSR_XC3_PV ? "PV"
                                      : "HVM or PVH";
}

static void print_guest(const struct chk *c)
{
    const struct chk_facts *f = &c->f;

    printf("%s: %s", c->src.in.name, f->format ? f->format : "unknown");
    if (f->have_image || f->have_config)
        printf(", %s guest", chk_guest_name(c));
    if (f->name[0])
        printf(" \"%s\"", f->name);
    if (f->have_config)
        printf(", %llu MiB, %u vCPU%s", (unsigned long long)f->max_memkb / 1024,
               f->max_vcpus, f->max_vcpus == 1 ? "" : "s");
    if (f->have_image && f->xen_major)
        printf(", saved by Xen %u.%u", f->xen_major, f->xen_minor);
    else if (f->have_image)
        printf(", converted");
    putchar('\n');
    if (f->n_entries)
        printf("memory: %llu pages (%llu MiB), %llu contents sent%s\n",
               (unsigned long long)f->n_pages,
               (unsigned long long)f->n_pages >> 8,
               (unsigned long long)f->n_contents, f->live ? ", live" : "");
    if (f->have_emulator)
        printf("emulator: %s, %u sections\n",
               f->qemu[0] ? f->qemu : "not known", f->n_sections);
}

static void print_row(const struct chk_row *r)
{
    char name[40], lens[40];

    if (r->name)
        snprintf(name, sizeof name, "%s", r->name);
    else
        snprintf(name, sizeof name, "0x%x", r->type);
    if (r->len == r->max_len)
        snprintf(lens, sizeof lens, "%u", r->len);
    else
        snprintf(lens, sizeof lens, "%u to %u", r->len, r->max_len);
    printf("%12llu  %-6s %-22s", (unsigned long long)r->offset,
           chk_layer_name(r->layer), name);
    if (r->n > 1)
        printf(" x %-8llu", (unsigned long long)r->n);
    else
        printf("           ");
    printf(" %s\n", lens);
}

static void print_records(const struct chk *c)
{
    uint64_t shown = 0;

    printf("%12s  %-6s %-22s %-10s length\n", "offset", "layer", "record",
           "how often");
    for (size_t i = 0; i < c->found.n_rows; i++) {
        print_row(&c->found.rows[i]);
        shown += c->found.rows[i].n;
    }
    if (shown < c->found.n_records)
        printf("              ... and %llu more\n",
               (unsigned long long)(c->found.n_records - shown));
}

static void print_findings(const struct chk *c)
{
    for (size_t i = 0; i < c->found.n_kept; i++) {
        const struct chk_finding *f = &c->found.kept[i];

        printf("%-7s %s at %llu: %s\n",
               chk_severity_name(chk_rules[f->rule].severity),
               chk_rules[f->rule].name, (unsigned long long)f->offset, f->text);
    }
    for (int i = 0; i < CHK_N_RULES; i++)
        if (c->found.n_of_rule[i] > CHK_KEEP_OF_RULE)
            printf("%-7s %s: %llu more\n",
                   chk_severity_name(chk_rules[i].severity), chk_rules[i].name,
                   (unsigned long long)c->found.n_of_rule[i] -
                       CHK_KEEP_OF_RULE);
    if (c->found.lost)
        printf("what follows %llu could not be judged\n",
               (unsigned long long)c->found.lost_at);
}

static void print_checkpoints(const struct chk *c)
{
    uint64_t errors = c->last_cut.errors;

    if (!c->f.checkpointed)
        return;
    printf("checkpoints: %llu complete", (unsigned long long)c->found.n_cuts);
    if (c->found.n_cuts)
        printf(", the last one at %llu", (unsigned long long)c->last_cut.end);
    printf("\nfailover: %s\n",
           !c->found.n_cuts ? "there is no complete checkpoint: nothing"
           : errors         ? "fails, a complete checkpoint has errors"
                            : "the guest as it was at the last one");
}

static void print_range(uint32_t from, uint32_t to, const struct chk_release *r)
{
    if (from == to)
        printf("Xen 4.%u: ", from);
    else
        printf("Xen 4.%u to 4.%u: ", from, to);
    if (r->can == CHK_CAN)
        printf("can restore it");
    else
        printf("%s", r->can == CHK_CANNOT ? "no: " : "not promised: ");
    for (unsigned i = 0; i < CHK_MAX_WHY && r->why[i]; i++)
        printf("%s%s", i ? "; " : "", r->why[i]);
    putchar('\n');
}

static void print_releases(const struct chk *c)
{
    struct chk_release now, next;
    uint32_t from = CHK_FIRST_RELEASE;
    const char *text;

    if (!c->f.have_image || c->found.n[CHK_ERROR])
        return;
    chk_release(c, from, &now);
    for (uint32_t r = from; r <= CHK_LAST_RELEASE; r++) {
        bool last = r == CHK_LAST_RELEASE;

        if (!last)
            chk_release(c, r + 1, &next);
        if (!last && !memcmp(&now, &next, sizeof now))
            continue;
        print_range(from, r, &now);
        from = r + 1;
        now = next;
    }
    for (unsigned n = 0; (text = chk_caution(c, n)); n++)
        printf("mind: %s\n", text);
}

void chk_report(const struct chk *c, bool with_records)
{
    const uint64_t *n = c->found.n;

    print_guest(c);
    if (with_records)
        print_records(c);
    print_findings(c);
    print_checkpoints(c);
    print_releases(c);
    printf("verdict: %s (%llu error%s, %llu warning%s, %llu note%s)\n",
           chk_verdict(c), (unsigned long long)n[CHK_ERROR],
           n[CHK_ERROR] == 1 ? "" : "s", (unsigned long long)n[CHK_WARNING],
           n[CHK_WARNING] == 1 ? "" : "s", (unsigned long long)n[CHK_NOTE],
           n[CHK_NOTE] == 1 ? "" : "s");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim create`: a simulated guest (docs/simulated-guests.md) as if a
 * toolstack had started it: the domain, then its files (create_files.c), then
 * it runs. Whatever fails takes all of it away again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/util.h"
#include "stubs/tool/create.h"

struct option {
    const char *name;
    int (*take)(struct xsr_create *c, const char *value);
};

static int bad(const char *option, const char *value, const char *allowed)
{
    return xsr_sim_usage("%s \"%s\": %s", option, value, allowed);
}

static int number(const char *option, const char *value, uint64_t max,
                  uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(value, &end, 0);
    if (errno || end == value || *end || value[0] == '-' || *out > max)
        return xsr_sim_usage("%s \"%s\": a number from 0 to %" PRIu64
                             " is needed",
                             option, value, max);
    return XSR_SIM_OK;
}

static int take_type(struct xsr_create *c, const char *value)
{
    static const struct {
        const char *name;
        enum xsr_hv_type type;
    } types[] = {{"pv", XSR_HV_PV}, {"pvh", XSR_HV_PVH}, {"hvm", XSR_HV_HVM}};

    for (size_t i = 0; i < XSR_ARRAY_LEN(types); i++) {
        if (strcmp(value, types[i].name))
            continue;
        c->spec.type = types[i].type;
        c->have_type = true;
        return XSR_SIM_OK;
    }
    return bad("--type", value, "pv, pvh and hvm are possible");
}

/* A name goes into paths of xenstore and of files. */
static int take_name(struct xsr_create *c, const char *value)
{
    size_t n = strlen(value);

    if (n == 0 || n >= sizeof(c->spec.name) || strpbrk(value, "/\"\\\n\t "))
        return bad("--name", value,
                   "1 to 63 characters are possible, no slash, quote, blank");
    memcpy(c->spec.name, value, n + 1);
    return XSR_SIM_OK;
}

static int take_uuid(struct xsr_create *c, const char *value)
{
    const char *p = value;

    for (unsigned i = 0; i < sizeof(c->spec.uuid); i++) {
        int used = 0;

        if (*p == '-')
            p++;
        if (sscanf(p, "%2hhx%n", &c->spec.uuid[i], &used) != 1 || used != 2)
            return bad("--uuid", value, "32 hexadecimal digits are needed");
        p += 2;
    }
    if (*p)
        return bad("--uuid", value, "32 hexadecimal digits are needed");
    c->have_uuid = true;
    return XSR_SIM_OK;
}

static int take_memory(struct xsr_create *c, const char *value)
{
    return number("--memory", value, 1u << 20, &c->spec.memory_mib);
}

static int take_vcpus(struct xsr_create *c, const char *value)
{
    uint64_t n;
    int rc = number("--vcpus", value, 8192, &n);

    c->spec.n_vcpus = (uint32_t)n;
    return rc;
}

static int take_seed(struct xsr_create *c, const char *value)
{
    return number("--seed", value, UINT64_MAX, &c->spec.seed);
}

static int take_zero(struct xsr_create *c, const char *value)
{
    uint64_t n;
    int rc = number("--zero", value, 99, &n);

    c->spec.zero_pct = (uint32_t)n;
    return rc;
}

static int take_rate(struct xsr_create *c, const char *value)
{
    return number("--dirty-rate", value, 1000000000, &c->rate);
}

static int take_hot(struct xsr_create *c, const char *value)
{
    return number("--hot-set", value, 100, &c->hot);
}

static int take_suspend(struct xsr_create *c, const char *value)
{
    static const char *const ways[] = {"xenstore", "evtchn", "call", "never",
                                       "refuse"};

    for (size_t i = 0; i < XSR_ARRAY_LEN(ways); i++) {
        if (strcmp(value, ways[i]))
            continue;
        c->spec.suspend = (enum xsr_guest_suspend)i;
        return XSR_SIM_OK;
    }
    return bad("--suspend", value,
               "xenstore, evtchn, call, never and refuse are possible");
}

/* SECONDS:PAGES/S[:HOT_PCT] */
static int take_phase(struct xsr_create *c, const char *value)
{
    struct xsr_guest_phase *p = &c->spec.phase[c->spec.n_phases];
    unsigned long long rate;
    unsigned seconds, hot = 101;
    int used = 0, more = 0;

    if (c->spec.n_phases == XSR_GUEST_PHASES - 1)
        return bad("--phase", value, "at most 7 phases are possible");
    if (value[strspn(value, "0123456789:")] ||
        sscanf(value, "%u:%llu%n:%u%n", &seconds, &rate, &used, &hot, &more) <
            2 ||
        value[more ? more : used] || (more && hot > 100) || !seconds)
        return bad("--phase", value,
                   "SECONDS:PAGES_PER_SECOND or SECONDS:PAGES_PER_SECOND:"
                   "HOT_PCT is needed");
    p->seconds = seconds;
    p->rate = rate;
    p->hot_pct = hot; /* 101: as --hot-set says */
    c->spec.n_phases++;
    return XSR_SIM_OK;
}

static int take_p2m(struct xsr_create *c, const char *value)
{
    if (strcmp(value, "list") && strcmp(value, "tree"))
        return bad("--p2m", value, "list and tree are possible");
    c->spec.p2m_tree = value[0] == 't';
    return XSR_SIM_OK;
}

static const struct option options[] = {
    {"--type", take_type},   {"--name", take_name},
    {"--uuid", take_uuid},   {"--memory", take_memory},
    {"--vcpus", take_vcpus}, {"--seed", take_seed},
    {"--zero", take_zero},   {"--dirty-rate", take_rate},
    {"--hot-set", take_hot}, {"--suspend", take_suspend},
    {"--phase", take_phase}, {"--p2m", take_p2m},
};

/* "--name value" or "--name=value". */
static int take_option(struct xsr_create *c, int argc, char **argv, int *at)
{
    const char *word = argv[*at];

    for (size_t i = 0; i < XSR_ARRAY_LEN(options); i++) {
        size_t n = strlen(options[i].name);

        if (strncmp(word, options[i].name, n) || (word[n] && word[n] != '='))
            continue;
        if (word[n] == '=')
            return options[i].take(c, word + n + 1);
        if (++*at == argc)
            return xsr_sim_usage("%s needs a value", word);
        return options[i].take(c, argv[*at]);
    }
    return word[0] == '-' ? xsr_sim_usage("create has no option \"%s\"", word)
                          : xsr_sim_usage("create does not take \"%s\"", word);
}

static int take_all(struct xsr_create *c, int argc, char **argv)
{
    bool no_suspend, refuse;
    int rc = XSR_SIM_OK;

    xsr_sim_flag(&argc, argv, "--json", &c->as_json);
    xsr_sim_flag(&argc, argv, "--paused", &c->paused);
    xsr_sim_flag(&argc, argv, "--no-dm", &c->no_dm);
    xsr_sim_flag(&argc, argv, "--churn-tables", &c->spec.churn_tables);
    xsr_sim_flag(&argc, argv, "--no-suspend", &no_suspend);
    xsr_sim_flag(&argc, argv, "--refuse-suspend", &refuse);
    for (int i = 1; rc == XSR_SIM_OK && i < argc; i++)
        rc = take_option(c, argc, argv, &i);
    if (no_suspend)
        c->spec.suspend = XSR_GUEST_NEVER;
    if (refuse)
        c->spec.suspend = XSR_GUEST_REFUSES;
    if (rc == XSR_SIM_OK && !c->have_type)
        rc = xsr_sim_usage("create needs --type");
    if (rc == XSR_SIM_OK && c->spec.churn_tables && c->spec.type != XSR_HV_PV)
        rc = xsr_sim_usage("--churn-tables: only a PV guest has page tables "
                           "that Xen knows of");
    return rc;
}

/* What was left open; the last phase lasts for ever. */
static int complete(struct xsr_create *c)
{
    struct xsr_guest_spec *s = &c->spec;

    for (unsigned i = 0; i < s->n_phases; i++)
        if (s->phase[i].hot_pct > 100)
            s->phase[i].hot_pct = (uint32_t)c->hot;
    s->phase[s->n_phases].rate = c->rate;
    s->phase[s->n_phases++].hot_pct = (uint32_t)c->hot;
    if (!c->have_uuid &&
        getrandom(s->uuid, sizeof(s->uuid), 0) != (ssize_t)sizeof(s->uuid))
        return xsr_sim_fail("no random numbers: %s", strerror(errno));
    if (!c->have_uuid) {
        s->uuid[6] = (s->uuid[6] & 0x0f) | 0x40;
        s->uuid[8] = (s->uuid[8] & 0x3f) | 0x80;
    }
    if (!s->name[0])
        snprintf(s->name, sizeof(s->name), "%s-%02x%02x%02x%02x",
                 xsr_sim_type_name(s->type), s->uuid[0], s->uuid[1], s->uuid[2],
                 s->uuid[3]);
    return XSR_SIM_OK;
}

static int report(const struct xsr_create *c, uint32_t domid)
{
    struct xsr_hv_domain d;

    if (!c->as_json)
        return printf("%" PRIu32 "\n", domid) < 0 || fflush(stdout)
                   ? xsr_sim_fail("cannot write to standard output")
                   : XSR_SIM_OK;
    if (xsr_sim_find_domain(domid, &d))
        return XSR_SIM_FAILED;
    return xsr_sim_print_json(xsr_sim_domain_json(&d));
}

int xsr_sim_cmd_create(int argc, char **argv)
{
    struct xsr_create c = {
        .spec = {.memory_mib = 64, .n_vcpus = 1, .seed = 1, .zero_pct = 40},
        .hot = 10,
    };
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t domid = 0;
    int rc = take_all(&c, argc, argv);

    if (rc == XSR_SIM_OK)
        rc = complete(&c);
    if (rc != XSR_SIM_OK)
        return rc;
    if (xsr_guest_create(&c.spec, &domid, &err) < 0)
        return xsr_sim_fail("%s", err.text);
    rc = xsr_create_files(&c, domid);
    if (rc == XSR_SIM_OK)
        rc = xsr_create_dm(&c, domid);
    if (rc == XSR_SIM_OK && !c.paused && xsr_hv_unpause(domid) < 0)
        rc = xsr_sim_fail("domain %" PRIu32 " does not start", domid);
    if (rc != XSR_SIM_OK) {
        xsr_sim_destroy(domid);
        return rc;
    }
    return report(&c, domid);
}

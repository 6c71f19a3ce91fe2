/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options as Python's optparse takes them, since that is what callers were
 * written against: long ones by any unambiguous beginning (libxl says --guest),
 * --name=VALUE, -nVALUE, flags in one word; a value is whatever comes next,
 * and words that are no options are ignored. Statuses are those of Xen's
 * program: 2 for what it does not know, 1 if something is missing.
 */
#include "tools/legacy/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "lib/version.h"
#include "stream/xc3.h"

#define WRONG   2
#define MISSING 1

enum option {
    IN,
    OUT,
    WIDTH,
    GUEST,
    FORMAT,
    VERBOSE,
    XL,
    SKIP_QEMU,
    SYSLOG,
    VERSION,
    HELP,
    REMUS,
    DROP_TMEM,
    VERIFY_RECORDS,
    N_OPTIONS
};

static const struct {
    const char *name;
    char letter; /* 0: none */
    bool value;
} options[N_OPTIONS] = {
    [IN] = {"in", 'i', true},
    [OUT] = {"out", 'o', true},
    [WIDTH] = {"width", 'w', true},
    [GUEST] = {"guest-type", 'g', true},
    [FORMAT] = {"format", 'f', true},
    [VERBOSE] = {"verbose", 'v', false},
    [XL] = {"xl", 'x', false},
    [SKIP_QEMU] = {"skip-qemu", 0, false},
    [SYSLOG] = {"syslog", 0, false},
    [VERSION] = {"version", 0, false},
    [HELP] = {"help", 'h', false},
    /* ours; no beginning of the others is ambiguous for these */
    [REMUS] = {"remus", 0, true},
    [DROP_TMEM] = {"drop-tmem", 0, false},
    [VERIFY_RECORDS] = {"verify-records", 0, false},
};

static const char usage[] =
    "usage: xensr-convert-legacy -i INPUT -o OUTPUT -w WIDTH -g GUEST "
    "[options]\n";
static const char help[] =
    "\nConverts a legacy stream (Xen 4.5 and older) to a v2 one, as Xen's\n"
    "convert-legacy-stream does; LIBXL_CONVERT_HELPER makes libxl use it.\n\n"
    "-i, --in FD|FILE        legacy input\n"
    "-o, --out FD|FILE       v2 output\n"
    "-w, --width 32|64       width of the toolstack that saved\n"
    "-g, --guest-type pv|hvm\n"
    "                        both are found in the stream too, and have to "
    "agree\n"
    "-f, --format libxc|libxl\n"
    "                        of the output (libxc)\n"
    "-x, --xl                an xl header comes first\n"
    "    --skip-qemu         libxc: leave the QEMU record in the input\n"
    "-v, --verbose           list the chunks on standard output\n"
    "    --syslog            list them, and errors, in the system's log\n"
    "    --remus first|last  which checkpoint (first)\n"
    "    --drop-tmem         leave transcendent memory out\n"
    "    --verify-records    keep verify mode as VERIFY\n"
    "    --version, -h, --help\n\n"
    "XENSR_CONVERT_WIDTH=detect in the environment: the width given is a "
    "guess\n(libxl's is its own), and what the stream has counts.\n\n"
    "exit status: 0 converted; 1 failed, input damaged; 2 usage, or the "
    "stream has\nwhat v2 cannot have\n";

static int wrong(const char *what, const char *word, const char *why)
{
    fputs(usage, stderr);
    fprintf(stderr, "xensr-convert-legacy: error: %s %s%s\n", what, word, why);
    return WRONG;
}

/* One of two words. */
static int choose(const char *option, const char *value, const char *a,
                  const char *b, bool *second_out)
{
    *second_out = !strcmp(value, b);
    if (*second_out || !strcmp(value, a))
        return -1;
    fputs(usage, stderr);
    fprintf(stderr,
            "xensr-convert-legacy: error: option %s: invalid choice: '%s' "
            "(choose from '%s', '%s')\n",
            option, value, a, b);
    return WRONG;
}

static int set_value(enum option o, const char *value,
                     struct xsr_legacy_args *out)
{
    struct xsr_legacy_params *p = &out->params;
    bool second = false;
    int rc = -1;

    switch (o) {
    case IN:
        out->in = value;
        break;
    case OUT:
        out->out = value;
        break;
    case WIDTH:
        rc = choose("--width", value, "32", "64", &second);
        p->width = second ? 64 : 32;
        break;
    case GUEST:
        rc = choose("--guest-type", value, "pv", "hvm", &second);
        p->guest = second ? XSR_XC3_HVM : XSR_XC3_PV;
        break;
    case FORMAT:
        rc = choose("--format", value, "libxc", "libxl", &second);
        p->libxc = !second;
        break;
    default:
        rc = choose("--remus", value, "first", "last", &second);
        p->remus = second ? XSR_LEGACY_LAST : XSR_LEGACY_FIRST;
        break;
    }
    return rc;
}

static int set_flag(enum option o, struct xsr_legacy_args *out)
{
    switch (o) {
    case VERBOSE:
        out->verbose = true;
        break;
    case XL:
        out->params.xl_header = true;
        break;
    case SKIP_QEMU:
        out->params.skip_qemu = true;
        break;
    case SYSLOG:
        out->syslog = true;
        break;
    case DROP_TMEM:
        out->params.drop_tmem = true;
        break;
    case VERIFY_RECORDS:
        out->params.verify_records = true;
        break;
    case VERSION:
        printf("xensr-convert-legacy %s\n", XSR_VERSION);
        return 0;
    default:
        printf("%s%s", usage, help);
        return 0;
    }
    return -1;
}

/* Which option begins like that? N_OPTIONS: none or several, which is said. */
static enum option find_long(const char *word, size_t len)
{
    enum option found = N_OPTIONS;
    unsigned n = 0;

    for (int o = 0; o < N_OPTIONS; o++) {
        if (strncmp(options[o].name, word, len) != 0)
            continue;
        found = (enum option)o;
        if (strlen(options[o].name) == len)
            return found;
        n++;
    }
    if (n == 1)
        return found;
    wrong(n ? "ambiguous option:" : "no such option:", word - 2, "");
    return N_OPTIONS;
}

/* --name, --name=value, --name value; *i moves over a value. */
static int take_long(int argc, char **argv, int *i, struct xsr_legacy_args *out)
{
    const char *word = argv[*i] + 2, *equals = strchr(word, '=');
    enum option o =
        find_long(word, equals ? (size_t)(equals - word) : strlen(word));

    if (o == N_OPTIONS)
        return WRONG;
    if (!options[o].value)
        return equals ? wrong("option", argv[*i], ": it takes no value")
                      : set_flag(o, out);
    if (equals)
        return set_value(o, equals + 1, out);
    if (*i + 1 >= argc)
        return wrong("option", argv[*i], ": it needs a value");
    return set_value(o, argv[++*i], out);
}

static enum option find_letter(char letter)
{
    for (int o = 0; o < N_OPTIONS; o++)
        if (letter && options[o].letter == letter)
            return (enum option)o;
    return N_OPTIONS;
}

/* -v, -vx, -i3, -i 3, -vi3 */
static int take_letters(int argc, char **argv, int *i,
                        struct xsr_legacy_args *out)
{
    const char *p = argv[*i] + 1;
    int rc = -1;

    for (; *p && rc < 0; p++) {
        enum option o = find_letter(*p);

        if (o == N_OPTIONS)
            return wrong("no such option:", argv[*i], "");
        if (!options[o].value) {
            rc = set_flag(o, out);
            continue;
        }
        if (p[1])
            return set_value(o, p + 1, out);
        if (*i + 1 >= argc)
            return wrong("option", argv[*i], ": it needs a value");
        return set_value(o, argv[++*i], out);
    }
    return rc;
}

int xsr_legacy_args(int argc, char **argv, struct xsr_legacy_args *out)
{
    const char *width = getenv("XENSR_CONVERT_WIDTH");
    int rc = -1;

    memset(out, 0, sizeof *out);
    out->params.libxc = true;
    for (int i = 1; i < argc && rc < 0; i++) {
        if (!strcmp(argv[i], "--"))
            break;
        if (argv[i][0] == '-' && argv[i][1] == '-')
            rc = take_long(argc, argv, &i, out);
        else if (argv[i][0] == '-' && argv[i][1])
            rc = take_letters(argc, argv, &i, out);
    }
    if (rc >= 0)
        return rc;
    if (!out->in || !out->out || !out->params.width || !out->params.guest) {
        fputs(usage, stderr);
        fprintf(stderr, "xensr-convert-legacy: error: missing: %s\n",
                !out->in             ? "--in"
                : !out->out          ? "--out"
                : !out->params.width ? "--width"
                                     : "--guest-type");
        return MISSING;
    }
    if (width && !strcmp(width, "detect"))
        out->params.width = 0;
    return -1;
}

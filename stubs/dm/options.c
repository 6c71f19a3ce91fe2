/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line that a toolstack gives to QEMU: what concerns a machine
 * without devices is taken, everything else is passed over, as long as it is
 * said in QEMU's form (-name [value]).
 *
 *   -xen-domid N  -chardev socket,id=...,path=...  -mon chardev=...
 *   -incoming fd:N  -smp N[,maxcpus=M]  -S
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stubs/dm/dm.h"

#define MAX_CPUS 255u

static int parse_number(const char *text, const char *what, uint32_t max,
                        uint32_t *out, struct xsr_err *err)
{
    unsigned long n;
    char *end;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno || end == text || (*end && *end != ',') || text[0] == '-' ||
        n > max)
        return xsr_fail(err, XSR_E_FORMAT,
                        "%s \"%s\": a number up to %u is "
                        "wanted",
                        what, text, max);
    *out = (uint32_t)n;
    return 0;
}

/*
 * The value of key in "word,key=value,...": two commas stand for one. Words
 * without "=" have an empty value. false if it is not there.
 */
static bool find_value(const char *list, const char *key, char *out,
                       size_t out_len)
{
    size_t key_len = strlen(key), n = 0;

    while (strncmp(list, key, key_len) ||
           (list[key_len] != '=' && list[key_len] != ',' && list[key_len])) {
        do
            list = strchr(list, ',');
        while (list && list[1] == ',' && (list += 2));
        if (!list)
            return false;
        list++;
    }
    list += key_len;
    if (*list == '=')
        for (list++; *list && n + 1 < out_len; list++) {
            if (*list == ',' && *++list != ',')
                break;
            out[n++] = *list;
        }
    out[n] = '\0';
    return true;
}

static int take_chardev(struct xsr_dm_options *o, const char *value,
                        struct xsr_err *err)
{
    struct xsr_dm_socket *s = &o->socket[o->n_sockets];
    char number[16];
    uint32_t fd;

    if (strncmp(value, "socket,", 7))
        return 0; /* the backend of a device that is not here */
    if (o->n_sockets == XSR_DM_SOCKETS)
        return xsr_fail(err, XSR_E_LIMIT, "more than %d sockets",
                        XSR_DM_SOCKETS);
    s->fd = -1;
    if (!find_value(value, "id", s->id, sizeof(s->id)) || !s->id[0])
        return xsr_fail(err, XSR_E_FORMAT, "-chardev %s: no id", value);
    if (find_value(value, "fd", number, sizeof(number))) {
        if (parse_number(number, "-chardev socket: fd", INT_MAX, &fd, err) < 0)
            return -1;
        s->fd = (int)fd;
    } else if (!find_value(value, "path", s->path, sizeof(s->path)) ||
               !s->path[0]) {
        return xsr_fail(err, XSR_E_FORMAT, "-chardev %s: no path", value);
    }
    o->n_sockets++;
    return 0;
}

static int take_monitor(struct xsr_dm_options *o, const char *value,
                        struct xsr_err *err)
{
    char id[64] = "", mode[16] = "";

    find_value(value, "mode", mode, sizeof(mode));
    if (strcmp(mode, "control"))
        return 0; /* for people */
    if (!find_value(value, "chardev", id, sizeof(id)))
        snprintf(id, sizeof(id), "%.63s", value); /* the short form */
    if (strchr(id, ','))
        *strchr(id, ',') = '\0';
    for (unsigned i = 0; i < o->n_sockets; i++)
        if (!strcmp(o->socket[i].id, id)) {
            o->socket[i].monitor = true;
            return 0;
        }
    return xsr_fail(err, XSR_E_FORMAT, "-mon %s: chardev \"%s\" not found",
                    value, id);
}

static int take_smp(struct xsr_dm_options *o, const char *value,
                    struct xsr_err *err)
{
    char text[16];

    if (parse_number(value, "-smp", MAX_CPUS, &o->n_cpus, err) < 0)
        return -1;
    o->max_cpus = o->n_cpus;
    if (find_value(value, "maxcpus", text, sizeof(text)) &&
        parse_number(text, "-smp maxcpus", MAX_CPUS, &o->max_cpus, err) < 0)
        return -1;
    if (!o->n_cpus || o->max_cpus < o->n_cpus)
        return xsr_fail(err, XSR_E_FORMAT,
                        "-smp %s: at least one CPU, and "
                        "maxcpus not below that",
                        value);
    return 0;
}

/* One option that has a value. */
static int take_option(struct xsr_dm_options *o, const char *name,
                       const char *value, struct xsr_err *err)
{
    if (!strcmp(name, "xen-domid"))
        return parse_number(value, "-xen-domid", 0x7fef, &o->domid, err);
    if (!strcmp(name, "chardev"))
        return take_chardev(o, value, err);
    if (!strcmp(name, "mon"))
        return take_monitor(o, value, err);
    if (!strcmp(name, "smp"))
        return take_smp(o, value, err);
    if (!strcmp(name, "incoming"))
        o->incoming = value;
    return 0;
}

int xsr_dm_options_parse(int argc, char **argv, struct xsr_dm_options *out,
                         struct xsr_err *err)
{
    memset(out, 0, sizeof(*out));
    out->n_cpus = out->max_cpus = 1;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];

        if (name[0] != '-')
            continue; /* the value of an option that is passed over */
        name += name[1] == '-' ? 2 : 1;
        if (!strcmp(name, "S"))
            out->paused = true;
        else if (!strcmp(name, "name"))
            i++; /* a guest may be called -S */
        else if (i + 1 < argc && take_option(out, name, argv[i + 1], err) < 0)
            return -1;
    }
    if (!out->domid)
        return xsr_fail(err, XSR_E_FORMAT,
                        "-xen-domid is missing: this device "
                        "model serves a domain of a simulated host");
    return 0;
}

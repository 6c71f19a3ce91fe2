/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When what is done: the hooks of tests/bin/fakeparent.c, and its scripted
 * answers. A moment is "MSG", "MSG#N" (its N-th), "#N" (the N-th message of
 * any kind), "=TEXT" (a log line with it), or a count of stream octets.
 */
#ifndef XSR_TESTS_FAKE_PARENT_SCRIPT_H
#define XSR_TESTS_FAKE_PARENT_SCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ipc.h"

#define MAX_HOOKS   16
#define MAX_ANSWERS 16

struct hook {
    int msg;       /* enum xsr_msg, or -1: any */
    unsigned nth;  /* the how manieth */
    char text[64]; /* of a log line; "": does not matter */
    bool at_octet; /* of the stream, not at a message */
    uint64_t octet;
    const char *acts; /* comma separated */
    bool done;
};

struct script {
    struct hook hook[MAX_HOOKS];
    size_t n_hooks;
    /* answers to the first, second, ... such message; the last one stays */
    int answer[XSR_N_MSG][MAX_ANSWERS];
    unsigned n_answers[XSR_N_MSG];
    const char *command[XSR_N_MSG]; /* run before the answer */
    unsigned seen[XSR_N_MSG], n_seen;
};

static void die(const char *what)
{
    fprintf(stderr, "fakeparent: %s\n", what);
    exit(97);
}

static int msg_by_name(const char *name, size_t len)
{
    int i;

    for (i = 0; i < XSR_N_MSG; i++)
        if (strlen(xsr_msg_name(i)) == len &&
            strncmp(xsr_msg_name(i), name, len) == 0)
            return i;
    die("unknown message name");
    return -1;
}

static struct hook *new_hook(struct script *s, const char *acts)
{
    struct hook *h = &s->hook[s->n_hooks];

    if (s->n_hooks >= MAX_HOOKS)
        die("too many hooks");
    s->n_hooks++;
    memset(h, 0, sizeof(*h));
    h->msg = -1;
    h->nth = 1;
    h->acts = acts;
    return h;
}

/* --on WHEN:ACT,... */
static void script_on(struct script *s, const char *value)
{
    const char *colon = strchr(value, ':'), *hash;
    struct hook *h;
    size_t len;

    if (!colon)
        die("--on WHEN:ACT");
    h = new_hook(s, colon + 1);
    len = (size_t)(colon - value);
    if (value[0] == '=') {
        h->msg = XSR_MSG_LOG;
        snprintf(h->text, sizeof(h->text), "%.*s", (int)len - 1, value + 1);
        return;
    }
    hash = memchr(value, '#', len);
    if (hash) {
        h->nth = (unsigned)strtoul(hash + 1, NULL, 10);
        len = (size_t)(hash - value);
    }
    if (len)
        h->msg = msg_by_name(value, len);
}

/* --at OCTETS:ACT,... */
static void script_at(struct script *s, const char *value)
{
    const char *colon = strchr(value, ':');
    struct hook *h;

    if (!colon)
        die("--at OCTETS:ACT");
    h = new_hook(s, colon + 1);
    h->at_octet = true;
    h->octet = strtoull(value, NULL, 10);
}

/* --reply MSG=INT[,INT...] */
static void script_reply(struct script *s, const char *value)
{
    const char *sep = strchr(value, '=');
    char *end;
    int msg;

    if (!sep)
        die("--reply MSG=INT");
    msg = msg_by_name(value, (size_t)(sep - value));
    s->n_answers[msg] = 0;
    do {
        if (s->n_answers[msg] >= MAX_ANSWERS)
            die("too many answers");
        s->answer[msg][s->n_answers[msg]++] = (int)strtol(sep + 1, &end, 10);
        sep = end;
    } while (*end == ',');
}

/* Is it the hook's moment? After the message was counted. */
static bool hook_matches(const struct script *s, const struct hook *h,
                         const struct xsr_ipc_msg *m)
{
    if (h->done || h->at_octet)
        return false;
    if (h->text[0])
        return m->msg == XSR_MSG_LOG && strstr(m->u.log.text, h->text);
    if (h->msg < 0)
        return s->n_seen == h->nth;
    return m->msg == (enum xsr_msg)h->msg && s->seen[m->msg] == h->nth;
}

static int script_answer(const struct script *s, enum xsr_msg msg)
{
    unsigned n = s->n_answers[msg], i = s->seen[msg] - 1;

    return n ? s->answer[msg][i < n ? i : n - 1] : 0;
}

#endif

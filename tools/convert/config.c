/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration in an xl header: taken over, replaced, or given another
 * name or UUID. An edit changes the bytes of the one string and no others: its
 * place in the text is searched for, and jansson confirms that the new text
 * means what the old one did but for that.
 */
#include <ctype.h>
#include <stdlib.h>

#include "lib/util.h"
#include "tools/convert/convert.h"

/* As convert/v2/ takes; real ones are below 64 KiB. */
#define MAX_CONFIG ((2u << 20) - 8)

/* ---- finding a string's place --------------------------------------------
 */

struct text {
    const char *p;
    size_t len, pos;
};

static bool at(const struct text *t, char c)
{
    return t->pos < t->len && t->p[t->pos] == c;
}

static void blanks(struct text *t)
{
    while (t->pos < t->len && isspace((unsigned char)t->p[t->pos]))
        t->pos++;
}

/* From one quotation mark to behind the other. */
static void string(struct text *t)
{
    for (t->pos++; t->pos < t->len && t->p[t->pos] != '"'; t->pos++)
        if (t->p[t->pos] == '\\')
            t->pos++;
    t->pos++;
}

/* Any value: to behind it. The text is JSON, jansson has said so. */
static void value(struct text *t)
{
    size_t depth = 0;

    do {
        blanks(t);
        if (at(t, '"')) {
            string(t);
        } else {
            if (at(t, '{') || at(t, '['))
                depth++;
            else if (at(t, '}') || at(t, ']'))
                depth--;
            t->pos++;
        }
        blanks(t);
    } while (t->pos < t->len &&
             (depth || !(at(t, ',') || at(t, '}') || at(t, ']'))));
}

/* In an object: to the value of a key. False: it has no such key. */
static bool enter(struct text *t, const char *key)
{
    size_t len = strlen(key);

    blanks(t);
    if (!at(t, '{'))
        return false;
    t->pos++;
    for (blanks(t); at(t, '"'); blanks(t)) {
        size_t start = t->pos + 1;
        bool found;

        string(t);
        found = t->pos - 1 - start == len && !memcmp(t->p + start, key, len);
        blanks(t);
        if (!at(t, ':'))
            return false;
        t->pos++;
        blanks(t);
        if (found)
            return true;
        value(t);
        if (at(t, ','))
            t->pos++;
    }
    return false;
}

/* ---- one string ----------------------------------------------------------
 */

static int parse(const struct xsr_buf *text, json_t **out, struct xsr_err *err)
{
    json_error_t why;

    *out = json_loadb((const char *)text->p, text->len, JSON_REJECT_DUPLICATES,
                      &why);
    if (json_is_object(*out))
        return 0;
    json_decref(*out);
    *out = NULL;
    return xsr_fail(err, XSR_E_FORMAT,
                    "the configuration is not JSON as xl writes it: %s (line "
                    "%d)",
                    why.text, why.line);
}

/* The text with its one string replaced where it stands. */
static int splice_string(const struct xsr_buf *text, const char *key,
                         const json_t *string_value, struct xsr_buf *out,
                         struct xsr_err *err)
{
    struct text t = {(const char *)text->p, text->len, 0};
    xsr_auto_free char *shown = json_dumps(string_value, JSON_ENCODE_ANY);
    size_t start;

    if (!shown)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for the configuration");
    if (!enter(&t, "c_info") || !enter(&t, key) || !at(&t, '"'))
        return 0;
    start = t.pos;
    string(&t);
    if (t.pos > t.len)
        return 0;
    if (xsr_buf_put(out, t.p, start, err) ||
        xsr_buf_put(out, shown, strlen(shown), err))
        return -1;
    return xsr_buf_put(out, t.p + t.pos, t.len - t.pos, err);
}

/* out is what the object says, or else it becomes that. */
static int confirm(const json_t *wanted, struct xsr_buf *out,
                   struct xsr_err *err)
{
    struct xsr_err unused = XSR_ERR_INIT;
    xsr_auto_free char *shown = NULL;
    json_t *got = NULL;
    bool same;

    same =
        out->len && parse(out, &got, &unused) == 0 && json_equal(got, wanted);
    json_decref(got);
    if (same)
        return 0;
    xsr_buf_clear(out);
    shown = json_dumps(wanted, JSON_INDENT(4));
    if (!shown)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for the configuration");
    return xsr_buf_put(out, shown, strlen(shown), err);
}

static int edit(struct conv *cv, struct xsr_buf *text, const char *key,
                const char *new, struct xsr_err *err)
{
    struct xsr_buf out = XSR_BUF_INIT;
    json_t *root, *info, *old;
    int rc = -1;

    if (parse(text, &root, err))
        return -1;
    info = json_object_get(root, "c_info");
    old = json_object_get(info, key);
    if (!json_is_object(info)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "the configuration has no \"c_info\", where the %s belongs",
                 key);
    } else {
        json_array_append_new(cv->notes,
                              json_sprintf("%s: \"%s\" became \"%s\"", key,
                                           old && json_string_value(old)
                                               ? json_string_value(old)
                                               : "",
                                           new));
        if (json_object_set_new(info, key, json_string(new)))
            xsr_fail(err, XSR_E_FORMAT, "\"%s\" is not UTF-8", new);
        else if (!splice_string(text, key, json_object_get(info, key), &out,
                                err))
            rc = confirm(root, &out, err);
    }
    if (rc == 0) {
        xsr_buf_clear(text);
        rc = xsr_buf_put(text, out.p, out.len, err);
    }
    json_decref(root);
    xsr_buf_fini(&out);
    return rc;
}

/* ---- all of it -----------------------------------------------------------
 */

static void remember_type(struct conv *cv, const struct xsr_buf *text)
{
    struct xsr_err unused = XSR_ERR_INIT;
    const char *type;
    json_t *root;

    if (parse(text, &root, &unused))
        return;
    type = json_string_value(
        json_object_get(json_object_get(root, "c_info"), "type"));
    if (type)
        snprintf(cv->type, sizeof cv->type, "%s", type);
    json_decref(root);
}

/* A file's, or the one that lies with the parts. */
static int replace(struct conv *cv, struct xsr_buf *text, struct xsr_err *err)
{
    const struct xsr_parts parts = {.with = conv_with, .ctx = cv};
    json_t *root;
    bool found = false;
    int rc;

    if (cv->config_file) {
        xsr_buf_clear(text);
        if (xsr_input_read_config(cv->config_file, text, err))
            return -1;
        text->len--; /* its NUL */
        found = true;
    } else if (!text->len && xsr_parts_load(&parts, XSR_PART_CONFIG, MAX_CONFIG,
                                            text, &found, err)) {
        return -1;
    }
    if (!found)
        return 0;
    rc = parse(text, &root, err);
    json_decref(root);
    cv->new_config = rc == 0;
    return rc;
}

int conv_config(void *ctx, struct xsr_buf *text, bool json, bool *changed_out,
                struct xsr_err *err)
{
    struct conv *cv = ctx;

    if (replace(cv, text, err))
        return -1;
    json |= cv->new_config;
    if (!text->len && !cv->name && !cv->uuid)
        return 0;
    if (!json && (cv->name || cv->uuid))
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "the configuration is text of xl up to 4.4, which has "
                        "no one place for the name or UUID: give one as JSON "
                        "with --config");
    if (json)
        remember_type(cv, text);
    if ((cv->name && edit(cv, text, "name", cv->name, err)) ||
        (cv->uuid && edit(cv, text, "uuid", cv->uuid, err)))
        return -1;
    *changed_out = cv->new_config || cv->name || cv->uuid;
    return xsr_buf_put_zero(text, 1, err);
}

int conv_check_config(const struct conv *cv, struct xsr_err *err)
{
    bool pv = cv->report.dhdr.guest == XSR_XC3_PV;

    if (!cv->new_config || !*cv->type)
        return 0;
    if (pv != (strcmp(cv->type, "pv") == 0))
        return xsr_fail(err, XSR_E_FORMAT,
                        "the configuration is that of a%s guest, and the image "
                        "that of a%s one",
                        pv ? "n HVM or PVH" : " PV",
                        pv ? " PV" : "n HVM or PVH");
    if (strcmp(cv->type, "hvm") == 0 && !cv->report.emulator_len)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "the configuration is that of an HVM guest, and the "
                        "input has no device state (EMULATOR_CONTEXT): give it "
                        "with --with FOLDER");
    return 0;
}

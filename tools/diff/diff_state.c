/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records of two images side by side: which of them only one has, and in which
 * fields the others differ. Bodies whose digests agree are not looked at again;
 * of the rest both are decoded, and the trees walked together. A difference in
 * octets that no field covers is told as one.
 */
#include <stdio.h>

#include "tools/diff/diff.h"

/* ---- trees ------------------------------------------------------------------
 */

static json_t *or_null(json_t *v)
{
    return v ? json_incref(v) : json_null();
}

static void put_field(json_t *fields, const char *path, json_t *a, json_t *b)
{
    json_array_append_new(fields, json_pack("{s:s, s:o, s:o}", "field", path,
                                            "a", or_null(a), "b", or_null(b)));
}

static void compare_trees(json_t *fields, const char *path, json_t *a,
                          json_t *b, unsigned depth);

/* Where a section lies in the file says nothing about the guest. */
static bool is_ignored(const char *key)
{
    return !strcmp(key, "offset");
}

static void compare_objects(json_t *fields, const char *path, json_t *a,
                            json_t *b, unsigned depth)
{
    char below[512];
    const char *key;
    json_t *v;

    json_object_foreach(a, key, v)
    {
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", key);
        if (!is_ignored(key))
            compare_trees(fields, below, v, json_object_get(b, key), depth + 1);
    }
    json_object_foreach(b, key, v)
    {
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", key);
        if (!is_ignored(key) && !json_object_get(a, key))
            compare_trees(fields, below, NULL, v, depth + 1);
    }
}

/* Configurations nest as deep as jansson lets them; paths do not. */
static void compare_trees(json_t *fields, const char *path, json_t *a,
                          json_t *b, unsigned depth)
{
    if (a && b && json_equal(a, b))
        return;
    if (json_is_object(a) && json_is_object(b) && depth < 16)
        compare_objects(fields, path, a, b, depth);
    else
        put_field(fields, path, a, b);
}

/* ---- records ----------------------------------------------------------------
 */

static json_t *decoded(const struct diff_side *s, const struct diff_rec *r)
{
    struct insp_row row = {.layer = r->layer,
                           .type = r->type,
                           .len = r->len,
                           .body = r->body,
                           .body_len = r->body_len};
    json_t *tree;

    if (r->tree)
        return json_incref(r->tree);
    tree = r->body ? insp_decode(&s->w, &row, NULL) : NULL;
    return tree ? tree : json_object();
}

static bool is_same(const struct diff_rec *a, const struct diff_rec *b)
{
    if (a->type == INSP_HEADER || a->type == INSP_DOMAIN)
        return json_equal(a->tree, b->tree);
    return a->len == b->len && a->digest == b->digest;
}

static json_t *compare_records(const struct diff_side *a,
                               const struct diff_rec *x,
                               const struct diff_side *b,
                               const struct diff_rec *y)
{
    json_t *fields = json_array(), *one = decoded(a, x), *two = decoded(b, y);

    compare_trees(fields, "", one, two, 0);
    if (x->len != y->len)
        put_field(fields, "(length of the record)",
                  json_integer((json_int_t)x->len),
                  json_integer((json_int_t)y->len));
    if (!json_array_size(fields))
        put_field(fields, "(octets that no field covers)", NULL, NULL);
    json_decref(one);
    json_decref(two);
    return fields;
}

static const char *layer_of(const struct diff_rec *r)
{
    return r->layer == INSP_XL      ? "xl"
           : r->layer == INSP_LIBXL ? "libxl"
                                    : "libxc";
}

static json_t *name_of(const struct diff_rec *r)
{
    char name[80];

    snprintf(name, sizeof name, "%s %s", layer_of(r), r->key);
    return json_string(name);
}

static json_t *only_in(const struct diff_side *a, const struct diff_side *b)
{
    json_t *list = json_array();

    for (size_t i = 0; i < a->n_whole; i++)
        if (!diff_find(b, a->rec[i].key))
            json_array_append_new(list, name_of(&a->rec[i]));
    return list;
}

json_t *diff_state(const struct diff_side *a, const struct diff_side *b)
{
    json_t *differ = json_array();
    uint64_t same = 0;

    insp_fields_all(true);

    for (size_t i = 0; i < a->n_whole; i++) {
        const struct diff_rec *x = &a->rec[i], *y = diff_find(b, x->key);

        if (!y)
            continue;
        if (is_same(x, y))
            same++;
        else
            json_array_append_new(
                differ, json_pack("{s:o, s:o}", "record", name_of(x), "fields",
                                  compare_records(a, x, b, y)));
    }
    return json_pack("{s:I, s:o, s:o, s:o}", "same", (json_int_t)same, "only_a",
                     only_in(a, b), "only_b", only_in(b, a), "differ", differ);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A comparison for people: the two images, then records and fields, then
 * pages. The document that --json prints is all that it knows; of a record
 * with very many differing fields it shows the first.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/diff/diff.h"

#define MAX_FIELDS 24u

static void show_side(char letter, const struct diff_side *s)
{
    const struct insp *w = &s->w;

    printf("%c  %s, %s", letter, s->src.in.name, insp_format_name(w->format));
    if (w->guest.known)
        printf(", \"%s\", %s, %" PRIu64 " MiB, %u vCPU%s", w->guest.name,
               insp_guest_type(w), w->guest.memory_kb >> 10, w->guest.n_vcpus,
               w->guest.n_vcpus == 1 ? "" : "s");
    if (w->checkpointed)
        printf(", checkpoint %" PRIu64, w->n_checkpoints);
    putchar('\n');
}

static void show_names(const char *label, const json_t *list)
{
    const json_t *name;
    size_t i;

    json_array_foreach(list, i, name)
    {
        printf("  %s %s\n", label, json_string_value(name));
    }
}

static int show_value(const json_t *v, struct xsr_err *err)
{
    struct xsr_buf text = XSR_BUF_INIT;
    int rc = 0;

    if (!v || json_is_null(v)) {
        fputs("-", stdout);
    } else if (json_is_object(v) || json_is_array(v)) {
        fputs(json_is_object(v) ? "{...}" : "[...]", stdout);
    } else {
        rc = insp_print_tree(&text, v, 0, err);
        if (!rc && text.len)
            fwrite(text.p, 1, text.len - 1, stdout); /* without its newline */
    }
    xsr_buf_fini(&text);
    return rc;
}

static int show_fields(const json_t *fields, struct xsr_err *err)
{
    const json_t *field;
    char name[200];
    size_t i;

    json_array_foreach(fields, i, field)
    {
        const char *path = json_string_value(json_object_get(field, "field"));

        if (i == MAX_FIELDS) {
            printf("      ... and %zu more (--json has all)\n",
                   json_array_size(fields) - i);
            break;
        }
        printf("      %s",
               xsr_err_quote(path, strlen(path), name, sizeof name));
        if (*path != '(' || json_is_integer(json_object_get(field, "a"))) {
            fputs(": ", stdout);
            if (show_value(json_object_get(field, "a"), err))
                return -1;
            fputs(" -> ", stdout);
            if (show_value(json_object_get(field, "b"), err))
                return -1;
        }
        putchar('\n');
    }
    return 0;
}

static int show_state(const json_t *state, struct xsr_err *err)
{
    const json_t *differ = json_object_get(state, "differ"), *one;
    size_t i;

    printf("\nrecords: %" JSON_INTEGER_FORMAT " the same, %zu differ, %zu only "
           "in A, %zu only in B\n",
           json_integer_value(json_object_get(state, "same")),
           json_array_size(differ),
           json_array_size(json_object_get(state, "only_a")),
           json_array_size(json_object_get(state, "only_b")));
    show_names("only in A:", json_object_get(state, "only_a"));
    show_names("only in B:", json_object_get(state, "only_b"));
    json_array_foreach(differ, i, one)
    {
        printf("  differs: %s\n",
               json_string_value(json_object_get(one, "record")));
        if (show_fields(json_object_get(one, "fields"), err))
            return -1;
    }
    return 0;
}

static void show_class(const char *label, const json_t *c)
{
    const json_t *runs = json_object_get(c, "runs"), *run;
    json_int_t n = json_integer_value(json_object_get(c, "pages"));
    size_t i;

    if (!n)
        return;
    printf("  %-14s %" JSON_INTEGER_FORMAT ":", label, n);
    json_array_foreach(runs, i, run)
    {
        json_int_t first = json_integer_value(json_array_get(run, 0));
        json_int_t last = json_integer_value(json_array_get(run, 1));

        if (first == last)
            printf(" 0x%" PRIx64, (uint64_t)first);
        else
            printf(" 0x%" PRIx64 "-0x%" PRIx64, (uint64_t)first,
                   (uint64_t)last);
    }
    if (json_integer_value(json_object_get(c, "n_runs")) >
        (json_int_t)json_array_size(runs))
        fputs(" ...", stdout);
    putchar('\n');
}

int diff_show(const struct diff_side *a, const struct diff_side *b,
              const json_t *doc, struct xsr_err *err)
{
    const json_t *pages = json_object_get(doc, "pages");

    show_side('A', a);
    show_side('B', b);
    if (show_state(json_object_get(doc, "records"), err))
        return -1;
    printf("\npages: %" JSON_INTEGER_FORMAT " the same\n",
           json_integer_value(json_object_get(pages, "same")));
    show_class("other content", json_object_get(pages, "differ"));
    show_class("other type", json_object_get(pages, "other_type"));
    show_class("only in A", json_object_get(pages, "only_a"));
    show_class("only in B", json_object_get(pages, "only_b"));
    return 0;
}

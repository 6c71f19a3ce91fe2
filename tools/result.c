/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Results of commands, for people and for programs. Standard output carries the
 * result alone; errors go to standard error, and with --json to both.
 */
#include "tools/result.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tools.h"

const char *xsr_result_type(enum xensr_guest type)
{
    static const char *const names[] = {"PV", "PVH", "HVM"};

    return names[type];
}

json_t *xsr_result_text(const char *text)
{
    json_t *line = json_string(text);
    char *plain, *p;

    if (line || !(plain = strdup(text)))
        return line;
    for (p = plain; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    line = json_string(plain);
    free(plain);
    return line;
}

void xsr_result_json(json_t *o)
{
    if (o && json_dumpf(o, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    json_decref(o);
}

int xsr_result_printed(const char *done)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return XENSR_OK;
    fprintf(stderr,
            "xensr: error: %s, but the result cannot be written to standard "
            "output: %s\n",
            done, strerror(errno));
    return XENSR_LOOK;
}

enum xensr_result xsr_result_of(const struct xsr_err *err)
{
    if (err->kind == XSR_E_OK)
        return XENSR_OK;
    if (xsr_err_is_of_input(err))
        return XENSR_BAD_INPUT;
    return err->kind == XSR_E_UNSUPPORTED ? XENSR_UNSUPPORTED : XENSR_FAILED;
}

int xsr_result_refuse(bool json, int rc, const char *text, uint64_t offset)
{
    json_t *o;

    xsr_progress_fini();
    fprintf(stderr, "xensr: error: %s\n", text);
    if (!json)
        return rc;
    o = json_pack("{s:{s:i, s:o}}", "error", "code", rc, "message",
                  xsr_result_text(text));
    if (o && offset != UINT64_MAX)
        json_object_set_new(json_object_get(o, "error"), "offset",
                            json_integer((json_int_t)offset));
    xsr_result_json(o);
    return rc;
}

/* ---- a domain that was saved or sent --------------------------------------
 */

static double mib_per_s(const struct xsr_result_saved *r)
{
    double mib = (double)r->saved->stats.stream_bytes / (1 << 20);

    return r->seconds > 0 ? mib / r->seconds : 0;
}

static const char *fate(const struct xensr_saved *s)
{
    return s->destroyed ? "destroyed here"
           : s->paused  ? "paused here"
                        : "running here";
}

json_t *xsr_result_of_saved(const struct xsr_result_saved *r)
{
    const struct xensr_save_stats *st = &r->saved->stats;
    json_t *o = json_pack(
        "{s:i, s:o, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:i, s:I, s:f, "
        "s:f}",
        "domid", (int)r->saved->domid, "name", xsr_result_text(r->saved->name),
        "uuid", r->saved->uuid, "type", xsr_result_type(r->saved->guest),
        "destroyed", (int)r->saved->destroyed, "paused", (int)r->saved->paused,
        "live", (int)st->live, "stream_bytes", (json_int_t)st->stream_bytes,
        "pages_sent", (json_int_t)st->n_pages, "memory_pages",
        (json_int_t)st->memory_pages, "rounds", (int)st->n_rounds, "pause_ms",
        (json_int_t)st->pause_ms, "seconds", r->seconds, "mib_per_s",
        mib_per_s(r));

    if (o && r->file)
        json_object_set_new(o, "file", xsr_result_text(r->file));
    return o;
}

void xsr_result_show_saved(FILE *to, const struct xsr_result_saved *r)
{
    const struct xensr_save_stats *st = &r->saved->stats;

    fprintf(to, "domain %u \"%s\" (%s) is %s and %s\n", r->saved->domid,
            r->saved->name, xsr_result_type(r->saved->guest), r->where,
            fate(r->saved));
    fprintf(to, "  uuid      %s\n", r->saved->uuid);
    fprintf(to, "  memory    %" PRIu64 " pages; %" PRIu64 " sent", //
            st->memory_pages, st->n_pages);
    if (st->live)
        fprintf(to, ", in %u round%s while it ran", st->n_rounds,
                st->n_rounds == 1 ? "" : "s");
    fprintf(to, "\n  stream    %" PRIu64 " bytes in %.2f s (%.0f MiB/s)\n",
            st->stream_bytes, r->seconds, mib_per_s(r));
    fprintf(to, "  pause     %" PRIu64 " ms%s\n", st->pause_ms,
            r->wanted_live && !st->live ? " (could not be live)" : "");
}

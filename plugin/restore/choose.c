/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which configuration and which name the restored domain gets: the saved ones,
 * or the caller's. Called by restore.c once the xl header was read, before the
 * domain is made.
 */
#include "plugin/restore/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A domain on its way in has another name than the one that it will get; both
 * have to be free.
 */
static int add_suffix(struct xsr_restore *r, struct xsr_err *err)
{
    const char *suffix = r->params->name_suffix;
    size_t len = strlen(r->config.name);

    memcpy(r->plain_name, r->config.name, sizeof(r->plain_name));
    if (!suffix)
        return 0;
    if (len + strlen(suffix) >= sizeof(r->config.name))
        return xsr_fail(err, XSR_E_LIMIT,
                        "the name of the domain has %zu characters: with "
                        "\"%s\" behind it, as it is called until it runs here, "
                        "it may have %zu",
                        len, suffix,
                        sizeof(r->config.name) - 1 - strlen(suffix));
    snprintf(r->config.name + len, sizeof(r->config.name) - len, "%s", suffix);
    return 0;
}

/* Known before the memory is sent, not after it. */
static int check_runnable(const struct xsr_restore *r, struct xsr_err *err)
{
    const struct xensr_restore_params *p = r->params;

    if (r->config.type != XENSR_HVM || !p->will_run || p->start_hvm ||
        r->x->device_model[0])
        return 0;
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "an HVM guest needs a device model to run, and none is "
                    "named here (XENSR_DEVICE_MODEL); it can be received "
                    "paused");
}

/* The caller's configuration replaces the saved one; a name replaces both. */
int xsr_restore_choose_config(struct xsr_restore *r, const char *saved,
                              size_t len, struct xsr_err *err)
{
    const char *given = r->params->config_json;

    if (!given && !saved) {
        /* an xl file should have one; a bare stream cannot */
        r->x->usage = !r->xl_hdr.mandatory_flags;
        xsr_fail(err, XSR_E_FORMAT,
                 "the input carries no configuration of the domain: give one "
                 "(--config FILE)");
        return xsr_err_at(err, r->src.pos - r->src.buf.len);
    }
    r->config_text = given ? strdup(given) : strndup(saved, len);
    if (!r->config_text)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for the configuration");
    if (xsr_config_parse(r->config_text, strlen(r->config_text), &r->config,
                         err) < 0) {
        r->x->usage = given != NULL;
        return -1;
    }
    if (r->params->name &&
        xsr_config_set_name(&r->config, r->params->name, err) < 0) {
        r->x->usage = true;
        return -1;
    }
    if (add_suffix(r, err) < 0)
        return -1;
    return check_runnable(r, err);
}

int xsr_restore_parse_config(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_xlfile_config config;
    struct xsr_cur cur;

    xsr_cur_init(&cur, r->src.buf.p, r->src.buf.len,
                 r->src.pos - r->src.buf.len);
    if (xsr_xlfile_get_config(&cur, &r->xl_hdr, &config, err) < 0)
        return -1;
    if (config.text && !(r->xl_hdr.mandatory_flags & XSR_XLFILE_JSON)) {
        if (!r->params->config_json) {
            xsr_fail(err, XSR_E_UNSUPPORTED,
                     "xl header: the configuration is not JSON (Xen 4.4 or "
                     "older wrote the file); give one with --config");
            return xsr_err_at(err, XSR_XL_FLAGS_POS);
        }
        config.text = NULL;
    }
    return xsr_restore_choose_config(r, config.text, config.len, err);
}

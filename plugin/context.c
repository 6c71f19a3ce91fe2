/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening and closing a context, stopping an operation, and what an error
 * means to the caller. Every operation begins with xsr_context_begin() and
 * ends with xsr_context_end(): nothing it did survives a failure, because each
 * of its steps left an entry in the undo list.
 */
#include "plugin/context.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

#define DEFAULT_DM_DIR    "/var/lib/xen"
#define DEFAULT_STATE_DIR "/run/xensr"
#define DEFAULT_RUN_DIR   "/run/xen"

_Static_assert((int)XENSR_LOG_ERROR == (int)XSR_LOG_ERROR &&
                   (int)XENSR_LOG_WARN == (int)XSR_LOG_WARN &&
                   (int)XENSR_LOG_INFO == (int)XSR_LOG_INFO &&
                   (int)XENSR_LOG_DEBUG == (int)XSR_LOG_DEBUG,
               "levels of the interface are the levels of lib/log.h");

/* ---- options ------------------------------------------------------------ */

static void forward_line(void *ctx, enum xsr_level level, const char *text)
{
    struct xensr *x = ctx;

    if (x->on_log)
        x->on_log(x->ctx, (enum xensr_level)level, text);
}

static void forward_progress(void *ctx, const char *what, uint64_t done,
                             uint64_t total)
{
    struct xensr *x = ctx;

    if (x->on_progress)
        x->on_progress(x->ctx, what, done, total);
}

/* Folder of the file that this code was loaded from; NULL if unknown. */
static char *own_folder(void)
{
    char path[PATH_MAX];
    char *slash;
    Dl_info at;

    /* of a program only argv[0] is known, which may be anything */
    if (dladdr((void *)&xensr_open, &at) && strstr(at.dli_fname, ".so")) {
        if (!realpath(at.dli_fname, path))
            return NULL;
    } else {
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

        if (n < 0)
            return NULL;
        path[n] = '\0';
    }
    slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return strdup(path);
}

/* A program that was built or installed with us. */
static char *shipped(const char *name)
{
    static const char *const places[] = {
        "%s/%s",                  /* build tree, beside xensr */
        "%s/../libexec/xensr/%s", /* installed */
        "%s/../bin/%s",           /* build tree, libxensr.so */
    };
    xsr_auto_free char *folder = own_folder();
    char *path;
    size_t i;

    for (i = 0; folder && i < XSR_ARRAY_LEN(places); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        if (asprintf(&path, places[i], folder, name) < 0)
            return NULL;
#pragma GCC diagnostic pop
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return strdup(name);
}

static char *choose(const char *option, const char *env, const char *fallback)
{
    const char *value = option;

    if (!value)
        value = getenv(env);
    if (!value || !*value)
        value = fallback;
    return value ? strdup(value) : NULL;
}

static unsigned or_default(unsigned ms, unsigned fallback)
{
    return ms ? ms : fallback;
}

int xensr_open(const struct xensr_options *options, struct xensr **xensr_out)
{
    static const struct xensr_options none;
    const struct xensr_options *o = options ? options : &none;
    struct xensr *x = calloc(1, sizeof(*x));

    *xensr_out = NULL;
    if (!x)
        return XENSR_FAILED;
    x->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    x->helper = choose(o->helper, "XENSR_HELPER", NULL);
    if (!x->helper)
        x->helper = shipped("xensr-helper");
    x->converter = choose(o->converter, "XENSR_CONVERTER", NULL);
    if (!x->converter)
        x->converter = shipped("xensr-convert-legacy");
    x->dm_dir = choose(o->dm_dir, "XENSR_DM_DIR", DEFAULT_DM_DIR);
    x->state_dir = choose(o->state_dir, "XENSR_STATE_DIR", DEFAULT_STATE_DIR);
    x->run_dir = choose(o->run_dir, "XENSR_RUN_DIR", DEFAULT_RUN_DIR);
    x->device_model = choose(o->device_model, "XENSR_DEVICE_MODEL", "");
    if (x->stop_fd < 0 || !x->helper || !x->converter || !x->dm_dir ||
        !x->state_dir || !x->run_dir || !x->device_model) {
        xensr_close(x);
        return XENSR_FAILED;
    }
    x->helper_ack_ms = or_default(o->helper_ack_ms, 10000);
    x->helper_term_ms = or_default(o->helper_term_ms, 10000);
    x->stall_ms = or_default(o->stall_ms, 30000);
    x->hang_ms = or_default(o->hang_ms, 120000);
    x->on_log = o->on_log;
    x->on_progress = o->on_progress;
    x->ctx = o->ctx;
    x->log.on_line = forward_line;
    x->log.on_progress = forward_progress;
    x->log.ctx = x;
    x->log.max_level = (enum xsr_level)o->max_level;
    x->error_offset = UINT64_MAX;
    *xensr_out = x;
    return XENSR_OK;
}

void xensr_close(struct xensr *x)
{
    if (!x)
        return;
    xsr_close(&x->stop_fd);
    free(x->helper);
    free(x->converter);
    free(x->dm_dir);
    free(x->state_dir);
    free(x->run_dir);
    free(x->device_model);
    free(x->config_file);
    free(x);
}

const char *xensr_error(const struct xensr *x)
{
    return x->text;
}

uint64_t xensr_error_offset(const struct xensr *x)
{
    return x->error_offset;
}

void xensr_interrupt(struct xensr *x)
{
    static const uint64_t one = 1;
    int saved = errno;

    x->stop_wanted = 1;
    if (write(x->stop_fd, &one, sizeof(one)) < 0) {
        /* full: it is readable already, which is all that is wanted */
    }
    errno = saved;
}

/* ---- one operation ------------------------------------------------------ */

int xsr_context_begin(struct xensr *x)
{
    if (x->busy) {
        snprintf(x->text, sizeof(x->text),
                 "another operation is running on this context");
        return XENSR_USAGE;
    }
    x->busy = true;
    x->usage = x->look = false;
    x->n_undo = 0;
    x->text[0] = '\0';
    x->error_offset = UINT64_MAX;
    return XENSR_OK;
}

void xsr_parts_begin(struct xensr *x)
{
    x->part = true;
    x->busy = false;
}

void xsr_parts_end(struct xensr *x)
{
    x->part = false;
    x->busy = true;
}

void xsr_undo_push(struct xensr *x, xsr_undo_fn *undo, void *ctx,
                   const char *what, ...)
{
    struct xsr_undo *u;
    va_list ap;

    /* the steps of an operation are counted by its author, not by input */
    assert(x->n_undo < XSR_MAX_UNDO);
    u = &x->undo[x->n_undo++];
    u->undo = undo;
    u->ctx = ctx;
    va_start(ap, what);
    vsnprintf(u->what, sizeof(u->what), what, ap);
    va_end(ap);
}

/* Last step first. What cannot be taken back is added to the error's text. */
static bool run_undo(struct xensr *x)
{
    struct xsr_err err = XSR_ERR_INIT;
    const struct xsr_undo *u;
    bool ok = true;
    size_t len;

    while (x->n_undo) {
        u = &x->undo[--x->n_undo];
        xsr_err_clear(&err);
        if (u->undo(u->ctx, &err) == 0) {
            xsr_log(&x->log, XSR_LOG_DEBUG, "undone: %s", u->what);
            continue;
        }
        xsr_log(&x->log, XSR_LOG_ERROR, "could not undo %s: %s", u->what,
                err.text);
        len = strlen(x->text);
        snprintf(x->text + len, sizeof(x->text) - len, "%s %s (%s)",
                 ok ? "; LEFT BEHIND, please look:" : ",", u->what, err.text);
        ok = false;
    }
    return ok;
}

/* What an error means to the caller. (A tool says of its own work the same.) */
static enum xensr_result result_of(const struct xensr *x,
                                   const struct xsr_err *err)
{
    if (err->kind != XSR_E_OK && x->usage)
        return XENSR_USAGE;
    if (err->kind == XSR_E_OK)
        return XENSR_OK;
    if (xsr_err_is_of_input(err))
        return XENSR_BAD_INPUT;
    return err->kind == XSR_E_UNSUPPORTED ? XENSR_UNSUPPORTED : XENSR_FAILED;
}

/* A stop request is for one operation. */
static void forget_stop(struct xensr *x)
{
    uint64_t n;

    x->stop_wanted = 0;
    if (read(x->stop_fd, &n, sizeof(n)) < 0) {
        /* there was none */
    }
}

static void forget_config(struct xensr *x)
{
    free(x->config_file);
    x->config_file = NULL;
}

int xsr_context_end(struct xensr *x, const struct xsr_err *err)
{
    enum xensr_result result = result_of(x, err);
    bool undone;
    size_t len;

    x->busy = false;
    if (!x->part)
        forget_stop(x);
    if (result == XENSR_OK) {
        x->n_undo = 0;
        forget_config(x);
        return XENSR_OK;
    }
    xsr_err_str(err, x->text, sizeof(x->text));
    x->error_offset = err->offset;
    undone = run_undo(x);
    forget_config(x);
    if (!undone || x->look)
        return XENSR_LOOK;
    len = strlen(x->text);
    if (err->kind == XSR_E_STOPPED)
        snprintf(x->text + len, sizeof(x->text) - len,
                 "; everything is undone");
    return result;
}

/* ---- the configuration of a domain --------------------------------------- */

static int undo_config(void *ctx, struct xsr_err *err)
{
    struct xensr *x = ctx;

    if (x->config_file && unlink(x->config_file) < 0 && errno != ENOENT)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot remove %s",
                            x->config_file);
    if (x->made_state_dir)
        rmdir(x->state_dir); /* fails when others use it by now */
    return 0;
}

int xsr_context_save_config(struct xensr *x, uint32_t domid, const char *text,
                            struct xsr_err *err)
{
    xsr_auto_close int fd = -1;

    if (asprintf(&x->config_file, "%s/%u.json", x->state_dir, domid) < 0) {
        x->config_file = NULL;
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a file name");
    }
    x->made_state_dir = mkdir(x->state_dir, 0700) == 0;
    xsr_undo_push(x, undo_config, x, "configuration of domain %u", domid);
    fd = open(x->config_file,
              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot create %s",
                            x->config_file);
    return xsr_write_all(fd, text, strlen(text), x->config_file, err);
}

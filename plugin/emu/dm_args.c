/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line of a device model, in libxl's words, for a domain without
 * disks and network: where it is spoken to, which machine, which state. Called
 * by dm_start.c.
 */
#include "plugin/emu/dm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct words {
    struct xsr_buf *out;
    size_t n;
    struct xsr_err *err;
    int rc; /* sticky */
};

static void put(struct words *w, const char *text)
{
    if (w->rc == 0)
        w->rc = xsr_buf_put(w->out, text, strlen(text) + 1, w->err);
    w->n++;
}

static void put_pair(struct words *w, const char *name, const char *value)
{
    put(w, name);
    put(w, value);
}

/* The word that was put together in the buffer ends here. */
static void end_word(struct words *w)
{
    if (w->rc == 0)
        w->rc = xsr_buf_put(w->out, "", 1, w->err);
    w->n++;
}

static void put_number(struct words *w, const char *name, uint64_t value)
{
    put(w, name);
    if (w->rc == 0)
        w->rc = xsr_buf_printf(w->out, w->err, "%" PRIu64, value);
    end_word(w);
}

/* Inside of an option's value: a comma is said by two. */
static int add_quoted(struct words *w, const char *text)
{
    for (; *text; text++)
        if (xsr_buf_put(w->out, text, 1, w->err) < 0 ||
            (*text == ',' && xsr_buf_put(w->out, ",", 1, w->err) < 0))
            return -1;
    return 0;
}

static void put_quoted(struct words *w, const char *name, const char *text)
{
    put(w, name);
    if (w->rc == 0)
        w->rc = add_quoted(w, text);
    end_word(w);
}

static void put_socket(struct words *w, const char *id, const char *run_dir,
                       const char *file, uint32_t domid)
{
    put(w, "-chardev");
    if (w->rc == 0)
        w->rc = xsr_buf_printf(w->out, w->err, "socket,id=%s,path=", id);
    if (w->rc == 0)
        w->rc = add_quoted(w, run_dir);
    if (w->rc == 0)
        w->rc = xsr_buf_printf(
            w->out, w->err, "/%s-%" PRIu32 ",server=on,wait=off", file, domid);
    end_word(w);
    put(w, "-mon");
    if (w->rc == 0)
        w->rc = xsr_buf_printf(w->out, w->err, "chardev=%s,mode=control", id);
    end_word(w);
}

static void put_cpus(struct words *w, const struct xsr_config *c)
{
    uint32_t i, online = 0;

    for (i = 0; i < c->max_vcpus; i++)
        online += xsr_config_vcpu_online(c, i);
    if (c->max_vcpus < 2)
        return;
    put(w, "-smp");
    if (w->rc == 0)
        w->rc = xsr_buf_printf(w->out, w->err, "%" PRIu32 ",maxcpus=%" PRIu32,
                               online, c->max_vcpus);
    end_word(w);
}

static void put_all(struct words *w, const char *run_dir, uint32_t domid,
                    const struct xsr_config *c)
{
    put_number(w, "-xen-domid", domid);
    put(w, "-no-shutdown");
    put_socket(w, "libxl-cmd", run_dir, "qmp-libxl", domid);
    put_socket(w, "libxenstat-cmd", run_dir, "qmp-libxenstat", domid);
    put(w, "-nodefaults");
    put(w, "-no-user-config");
    put_quoted(w, "-name", c->name);
    put_pair(w, "-display", "none");
    put_pair(w, "-serial", "null");
    put_pair(w, "-device", "cirrus-vga");
    put_pair(w, "-boot", "order=cda");
    put_cpus(w, c);
    put_pair(w, "-net", "none");
    put(w, "-incoming");
    if (w->rc == 0)
        w->rc = xsr_buf_printf(w->out, w->err, "fd:%d", XSR_DM_STATE_FD);
    end_word(w);
    put_pair(w, "-machine", "xenfv,suppress-vmdesc=on");
    put_number(w, "-m", (c->target_memkb - c->video_memkb) / 1024);
}

int xsr_dm_args(const char *path, const char *run_dir, uint32_t domid,
                const struct xsr_config *config, struct xsr_buf *out,
                const char ***argv_out, struct xsr_err *err)
{
    struct words w = {out, 0, err, 0};
    const char *word;
    size_t i;

    put_all(&w, run_dir, domid, config);
    if (w.rc < 0)
        return -1;
    *argv_out = calloc(w.n + 2, sizeof(**argv_out));
    if (!*argv_out)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a command line");
    (*argv_out)[0] = path;
    word = (const char *)out->p;
    for (i = 1; i <= w.n; i++, word += strlen(word) + 1)
        (*argv_out)[i] = word;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the device model lives: the domain it serves, xenstore, the folder of
 * the host. It ends with the first of them that ends, with a signal, and with
 * "quit"; what it has put into the folder goes with it.
 *
 *   run/sim-dm.DOMID   what it is doing, as JSON
 *   suspended/         if it is there: copies of the state that was saved last
 *                      (UUID.emulator) and of the one it came with
 * (UUID.loaded)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "stubs/dm/command.h"
#include "stubs/guest/guest.h"
#include "stubs/world/world.h"

#define TICK_MS    1000u /* a removed folder wakes nobody */
#define WORK_MS    50u
#define WORK_PAGES 2u

/* ---- the end ------------------------------------------------------------- */

static void end(struct xsr_dm *dm)
{
    dm->quit = true;
    xsr_loop_quit(dm->loop);
}

/*
 * Looks at its file first: asking the host would make it again. A host that was
 * made again is another one.
 */
static bool host_is_there(const struct xsr_dm *dm)
{
    struct stat st;

    return stat(dm->host_path, &st) == 0 && st.st_dev == dm->host_dev &&
           st.st_ino == dm->host_ino;
}

static bool domain_is_there(const struct xsr_dm *dm)
{
    struct xsr_hv_domain d;

    return xsr_hv_next_domain(dm->options.domid, &d) == 0 &&
           d.domid == dm->options.domid && !d.dying &&
           !memcmp(d.uuid, dm->domain.uuid, sizeof(d.uuid));
}

static void look(struct xsr_dm *dm)
{
    if (!host_is_there(dm)) {
        dm->status_path[0] = '\0'; /* went with it */
        end(dm);
    } else if (!domain_is_there(dm)) {
        end(dm);
    }
}

static void on_tick(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_dm *dm = ctx;

    dm->tick = NULL;
    look(dm);
    if (!dm->quit &&
        xsr_loop_add_timer(dm->loop, TICK_MS, on_tick, dm, &dm->tick, &err) < 0)
        end(dm);
}

static void on_xenstore(void *ctx, int fd, short revents)
{
    struct xsr_dm *dm = ctx;
    char **event;

    (void)fd;
    (void)revents;
    if (!host_is_there(dm)) {
        look(dm);
        return;
    }
    while (xsr_store_next_event(dm->xs, false, &event) == 0)
        free(event);
    look(dm);
}

static void on_signal(void *ctx, int fd, short revents)
{
    struct signalfd_siginfo info;

    (void)revents;
    if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        end(ctx);
}

/* ---- devices write ------------------------------------------------------- */

/*
 * A disk or a network card would write into the guest's memory, and only tells
 * Xen while somebody wants to know: a saver that forgets to ask for it misses
 * pages. A guest that writes nothing itself has nothing for them to do either.
 */
static void on_work(void *ctx)
{
    struct xsr_guest_state guest;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_dm *dm = ctx;

    xsr_loop_del_timer(dm->loop, &dm->work);
    if (!host_is_there(dm)) {
        look(dm);
        return;
    }
    if (dm->running && xsr_guest_peek(dm->options.domid, &guest) &&
        guest.n_dirtied)
        xsr_guest_device_write(dm->options.domid, WORK_PAGES, dm->logdirty);
    if (xsr_loop_add_timer(dm->loop, WORK_MS, on_work, dm, &dm->work, &err) < 0)
        end(dm);
}

/* ---- the start ----------------------------------------------------------- */

static int open_signals(struct xsr_dm *dm, struct xsr_err *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    dm->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (dm->signal_fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "signalfd");
    return xsr_loop_add_fd(dm->loop, dm->signal_fd, POLLIN, on_signal, dm,
                           &dm->watch_signal, err);
}

static int open_host(struct xsr_dm *dm, struct xsr_err *err)
{
    uint32_t domid = dm->options.domid;
    const char *dir;
    struct stat st;

    if (xsr_hv_open(err) < 0)
        return -1;
    dir = xsr_sim_dir(err);
    if (!dir)
        return -1;
    snprintf(dm->host_path, sizeof(dm->host_path), "%.4000s/host", dir);
    if (stat(dm->host_path, &st) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "%.150s", dm->host_path);
    dm->host_dev = st.st_dev;
    dm->host_ino = st.st_ino;
    snprintf(dm->status_path, sizeof(dm->status_path), "%.4000s/run", dir);
    mkdir(dm->status_path, 0700); /* others may have; else it is seen below */
    snprintf(dm->status_path, sizeof(dm->status_path),
             "%.4000s/run/sim-dm.%" PRIu32, dir, domid);
    if (xsr_hv_next_domain(domid, &dm->domain) || dm->domain.domid != domid)
        return xsr_fail(err, XSR_E_XEN,
                        "domain %" PRIu32 " is not on the host %.150s", domid,
                        dir);
    return 0;
}

int xsr_dm_host_start(struct xsr_dm *dm, struct xsr_err *err)
{
    if (open_host(dm, err) < 0 || open_signals(dm, err) < 0)
        return -1;
    if (xsr_store_open(&dm->xs) ||
        xsr_store_watch(dm->xs, "@releaseDomain", "end"))
        return xsr_fail_sys(err, XSR_E_XEN, errno, "xenstore");
    if (xsr_loop_add_fd(dm->loop, xsr_store_fileno(dm->xs), POLLIN, on_xenstore,
                        dm, &dm->watch_xs, err) < 0)
        return -1;
    if (xsr_loop_add_timer(dm->loop, WORK_MS, on_work, dm, &dm->work, err) < 0)
        return -1;
    return xsr_loop_add_timer(dm->loop, TICK_MS, on_tick, dm, &dm->tick, err);
}

void xsr_dm_host_stop(struct xsr_dm *dm)
{
    if (dm->status_path[0])
        unlink(dm->status_path);
    if (!dm->loop)
        return;
    xsr_loop_del_timer(dm->loop, &dm->tick);
    xsr_loop_del_timer(dm->loop, &dm->work);
    xsr_loop_del_fd(dm->loop, &dm->watch_xs);
    xsr_loop_del_fd(dm->loop, &dm->watch_signal);
    xsr_store_close(dm->xs);
    if (dm->watch_signal)
        xsr_close(&dm->signal_fd);
}

/* ---- what it tells ------------------------------------------------------- */

int xsr_dm_publish(struct xsr_dm *dm, const char *state, struct xsr_err *err)
{
    char path[96];

    snprintf(path, sizeof(path),
             "/local/domain/0/device-model/%" PRIu32 "/state",
             dm->options.domid);
    if (xsr_store_write(dm->xs, 0, path, state, strlen(state)))
        return xsr_fail_sys(err, XSR_E_XEN, errno, "xenstore %s", path);
    return 0;
}

/* All of it or nothing under the name. */
static void replace_file(const char *path, const void *p, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    xsr_auto_close int fd = -1;
    char part[PATH_MAX + 8];

    snprintf(part, sizeof(part), "%s.part", path);
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || xsr_write_all(fd, p, n, part, &err) < 0 ||
        rename(part, path) < 0) {
        xsr_sim_log("device model: cannot write %s: %s", path, strerror(errno));
        unlink(part);
    }
}

void xsr_dm_write_status(struct xsr_dm *dm)
{
    json_t *json;
    char *text;

    if (!dm->status_path[0] || !host_is_there(dm))
        return;
    json = json_pack("{s:I, s:I, s:s, s:b, s:b, s:I, s:I, s:I, s:I}", "domid",
                     (json_int_t)dm->options.domid, "pid", (json_int_t)getpid(),
                     "status", xsr_dm_status(dm), "logdirty", dm->logdirty,
                     "disks_released", dm->disks_released, "loaded",
                     (json_int_t)dm->n_loaded, "saved", (json_int_t)dm->n_saved,
                     "octets", (json_int_t)dm->blob.bytes.len, "sections",
                     (json_int_t)dm->blob.n_sections);
    text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text)
        replace_file(dm->status_path, text, strlen(text));
    free(text);
    json_decref(json);
}

void xsr_dm_record(struct xsr_dm *dm, const char *what)
{
    const uint8_t *u = dm->domain.uuid;
    struct xsr_err err = XSR_ERR_INIT;
    const char *dir = xsr_sim_dir(&err);
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%.4000s/" XSR_RECORDS, dir ? dir : "");
    if (!dir || access(path, W_OK) < 0)
        return;
    snprintf(path, sizeof(path),
             "%.4000s/" XSR_RECORDS
             "/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
             "%02x%02x%02x%02x%02x%02x.%s",
             dir, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
             u[10], u[11], u[12], u[13], u[14], u[15], what);
    replace_file(path, dm->blob.bytes.p, dm->blob.bytes.len);
}

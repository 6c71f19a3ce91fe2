/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stand-in device model's life: options, the domain, its devices' state,
 * sockets; then it says that it runs and answers until the domain, the host
 * or somebody's patience ends. What goes wrong before is said on standard
 * error and with exit status 1, as QEMU does; later, in the host's log.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "stubs/dm/command.h"
#include "stubs/world/world.h"

static int fail(const struct xsr_err *err)
{
    fprintf(stderr, "xensr-sim-dm: %s\n", err->text);
    return 1;
}

static void fini(struct xsr_dm *dm)
{
    xsr_dm_qmp_stop(dm);
    xsr_dm_fdsets_clear(dm);
    xsr_dm_host_stop(dm);
    xsr_loop_free(dm->loop);
    xsr_dm_blob_fini(&dm->blob);
}

/* The devices' state: from the fd that -incoming names, or new. */
static int load_state(struct xsr_dm *dm, struct xsr_err *err)
{
    const struct xsr_dm_options *o = &dm->options;
    unsigned long fd;
    char *end;

    if (!o->incoming)
        return xsr_dm_blob_fresh(&dm->blob, dm->domain.uuid, o->n_cpus, err);
    fd = strncmp(o->incoming, "fd:", 3) ? ULONG_MAX
                                        : strtoul(o->incoming + 3, &end, 10);
    if (fd > INT_MAX || end == o->incoming + 3 || *end)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "-incoming %s: only fd:N is "
                        "known here",
                        o->incoming);
    if (xsr_dm_blob_load(&dm->blob, (int)fd, o->n_cpus, err) < 0)
        return xsr_err_prefix(err, "incoming state");
    dm->n_loaded++;
    xsr_dm_record(dm, "loaded");
    close((int)fd);
    return 0;
}

/* Whoever started it may wait for the end of what it prints. */
static void leave_terminal(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int i = 0; fd >= 0 && i <= STDERR_FILENO; i++)
        dup2(fd, i);
    if (fd > STDERR_FILENO)
        close(fd);
}

static int serve(struct xsr_dm *dm, struct xsr_err *err)
{
    if (xsr_loop_new(&dm->loop, err) < 0 || xsr_dm_host_start(dm, err) < 0 ||
        load_state(dm, err) < 0 || xsr_dm_listen(dm, err) < 0)
        return -1;
    if (!dm->options.paused)
        xsr_dm_run(dm);
    xsr_dm_write_status(dm);
    leave_terminal();
    return xsr_loop_run(dm->loop, err);
}

int main(int argc, char **argv)
{
    static struct xsr_dm dm; /* large */
    struct xsr_err err = XSR_ERR_INIT;
    int rc;

    signal(SIGPIPE, SIG_IGN);
    setsid(); /* a terminal's Ctrl-C is not for us; a leader is one already */
    if (xsr_dm_options_parse(argc, argv, &dm.options, &err) < 0)
        return fail(&err);
    rc = serve(&dm, &err) < 0 ? fail(&err) : 0;
    fini(&dm);
    return rc;
}

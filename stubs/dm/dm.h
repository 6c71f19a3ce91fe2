/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xensr-sim-dm: what stands for QEMU beside a simulated HVM guest. It has no
 * devices; it has their state, QEMU's way of talking (QMP, xenstore, command
 * line) and QEMU's judgement of the state it is given.
 *
 *   main.c -> options.c -> blob.c (incoming state) -> host.c (xenstore, the
 *   domain's end) -> qmp.c (sockets) -> command.c (what they ask for)
 *
 * docs/simulated-device-model.md
 */
#ifndef XSR_STUBS_DM_H
#define XSR_STUBS_DM_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/loop.h"
#include "stubs/hv/hv.h"
#include "stubs/xs/xs.h"

/* ---- options.c ----------------------------------------------------------- */

#define XSR_DM_SOCKETS 4

struct xsr_dm_socket {
    char id[64];
    char path[PATH_MAX]; /* "" if it was given as a descriptor */
    int fd;              /* listening; -1: not yet */
    bool monitor;        /* a -mon names it */
};

struct xsr_dm_options {
    uint32_t domid;
    uint32_t n_cpus, max_cpus;
    bool paused;          /* -S */
    const char *incoming; /* NULL: the guest is new */
    struct xsr_dm_socket socket[XSR_DM_SOCKETS];
    unsigned n_sockets;
};

int xsr_dm_options_parse(int argc, char **argv, struct xsr_dm_options *out,
                         struct xsr_err *err);

/* ---- blob.c -------------------------------------------------------------- */

/* The state of all devices, in QEMU's migration format. */
struct xsr_dm_blob {
    struct xsr_buf bytes;
    size_t timer_pos; /* body of section "timer"; 0: there is none */
    unsigned n_sections;
};

/* State of a machine that was just switched on. */
int xsr_dm_blob_fresh(struct xsr_dm_blob *blob, const uint8_t uuid[16],
                      uint32_t n_cpus, struct xsr_err *err);
/*
 * Read and judge state as QEMU does: it ends with the octet that says so, and
 * nothing behind that is looked at. The fd may be a file or a pipe.
 */
int xsr_dm_blob_load(struct xsr_dm_blob *blob, int fd, uint32_t n_cpus,
                     struct xsr_err *err);
/* The machine's clock has gone on. */
void xsr_dm_blob_advance(struct xsr_dm_blob *blob, uint64_t ns);
void xsr_dm_blob_fini(struct xsr_dm_blob *blob);

/* ---- the device model ---------------------------------------------------- */

struct xsr_dm_conn;

struct xsr_dm_fdset {
    struct xsr_dm_fdset *next;
    int64_t id;
    int fd;
    char *opaque; /* may be NULL */
};

struct xsr_dm {
    struct xsr_dm_options options;
    struct xsr_loop *loop;
    struct xsr_dm_blob blob;
    bool running;
    bool saving; /* stopped by a save */
    bool logdirty;
    bool disks_released; /* another one may lock their images */
    bool quit;
    uint64_t running_since; /* ms */
    uint64_t n_saved, n_loaded;
    struct xsr_dm_fdset *fdsets;
    struct xsr_dm_conn *conns;
    /* host.c */
    struct xsr_hv_domain domain; /* as it was at the start */
    struct xsr_store *xs;
    struct xsr_loop_fd *watch_xs, *watch_signal;
    struct xsr_loop_timer *tick, *work;
    int signal_fd;
    uint64_t host_dev, host_ino;
    char host_path[PATH_MAX], status_path[PATH_MAX];
};

/* ---- host.c -------------------------------------------------------------- */

/* Domain, folder and xenstore are there; from now on their end is ours. */
int xsr_dm_host_start(struct xsr_dm *dm, struct xsr_err *err);
void xsr_dm_host_stop(struct xsr_dm *dm);
/* /local/domain/0/device-model/DOMID/state, read by the toolstack. */
int xsr_dm_publish(struct xsr_dm *dm, const char *state, struct xsr_err *err);
/* run/sim-dm.DOMID: for people and tests. Best effort. */
void xsr_dm_write_status(struct xsr_dm *dm);
/* Where a host records the state of suspended guests: a copy of this one, as
   UUID.WHAT. */
void xsr_dm_record(struct xsr_dm *dm, const char *what);

/* ---- qmp.c --------------------------------------------------------------- */

int xsr_dm_listen(struct xsr_dm *dm, struct xsr_err *err);
void xsr_dm_qmp_stop(struct xsr_dm *dm);
/* An event for everybody who has negotiated. details may be NULL; taken. */
void xsr_dm_event(struct xsr_dm *dm, const char *name, json_t *details);
/* The descriptor that came with the latest message, now the caller's; -1. */
int xsr_dm_take_fd(struct xsr_dm_conn *conn);

#endif

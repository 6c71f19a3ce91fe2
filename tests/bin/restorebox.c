/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * restorebox [OPTION...]: one restore without a toolstack around it. Makes a
 * bare domain, restores the image on standard input into it, and prints its
 * number; a domain whose restore failed is destroyed.
 *
 *   --type pv|pvh|hvm   --vcpus N   --memory MIB
 *   --remus             the stream has checkpoints
 *   --colo              and the domain runs between them; the list of pages
 *                       goes to descriptor 3
 *   --lose N            answer "the primary is lost" at checkpoint N
 *   --engine            our engine; else the libxenguest that the loader finds
 *   --unpause
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "engine/engine.h"

#define BACK_FD    3
#define POOL_BYTES (16ull << 20)

static struct {
    xc_interface *xch;
    uint32_t domid;
    const char *type;
    unsigned long n_vcpus, memory_mib, lose;
    bool remus, colo, engine, unpause;
    unsigned n_checkpoints, n_results;
    unsigned long store, console;
} box = {.type = "pv", .n_vcpus = 1, .memory_mib = 64};

static int die(const char *what)
{
    fprintf(stderr, "restorebox: %s: %s\n", what, strerror(errno));
    if (box.domid)
        xc_domain_destroy(box.xch, box.domid);
    exit(1);
}

/* ---- the domain ---------------------------------------------------------- */

static void create_domain(void)
{
    struct xen_domctl_createdomain d = {
        .max_vcpus = (uint32_t)box.n_vcpus,
        .max_evtchn_port = 1023,
        .max_grant_frames = 32,
        .max_maptrack_frames = 1024,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };
    bool pv = strcmp(box.type, "pv") == 0;

    d.handle[0] = 0xb0;
    if (!pv) {
        d.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        d.arch.emulation_flags = strcmp(box.type, "hvm")
                                     ? XEN_X86_EMU_LAPIC
                                     : XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI;
    }
    if (xc_domain_create(box.xch, &box.domid, &d) < 0)
        die("creating a domain");
    if (xc_domain_max_vcpus(box.xch, box.domid, (unsigned)box.n_vcpus) < 0 ||
        xc_domain_setmaxmem(box.xch, box.domid, (box.memory_mib << 10) + 4096) <
            0)
        die("limits");
    if (!pv && xc_set_paging_mempool_size(box.xch, box.domid, POOL_BYTES) < 0)
        die("paging pool");
}

static uint32_t new_port(void)
{
    int port = xc_evtchn_alloc_unbound(box.xch, box.domid, 0);

    return port < 0 ? (uint32_t)die("event channel") : (uint32_t)port;
}

/* ---- callbacks ----------------------------------------------------------- */

static int on_static(unsigned missing, void *data)
{
    (void)missing, (void)data;
    return 0;
}

static int on_checkpoint(void *data)
{
    (void)data;
    return ++box.n_checkpoints == box.lose ? 2 : 1;
}

/* The secondary runs from here to on_suspend(), and its writes are noted. */
static int on_postcopy(void *data)
{
    (void)data;
    if (box.n_checkpoints > 1)
        return xc_domain_resume(box.xch, box.domid, 0) == 0;
    if (xc_shadow_control(box.xch, box.domid,
                          XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0) < 0)
        die("log-dirty");
    return xc_domain_unpause(box.xch, box.domid) == 0;
}

static int on_wait(void *data)
{
    (void)data;
    usleep(20000);
    return 1;
}

static int on_suspend(void *data)
{
    (void)data;
    return xc_domain_shutdown(box.xch, box.domid, SHUTDOWN_suspend) == 0;
}

static void on_results(xen_pfn_t store, xen_pfn_t console, void *data)
{
    (void)data;
    box.store = store;
    box.console = console;
    box.n_results++;
}

static void on_engine_results(void *ctx, uint64_t store, uint64_t console)
{
    on_results(store, console, ctx);
}

/* ---- the restore --------------------------------------------------------- */

static int restore_by_library(uint32_t store_port, uint32_t console_port)
{
    struct restore_callbacks cb = {
        .static_data_done = on_static,
        .suspend = on_suspend,
        .postcopy = on_postcopy,
        .checkpoint = on_checkpoint,
        .wait_checkpoint = on_wait,
        .restore_results = on_results,
    };
    xc_stream_type_t type = box.colo    ? XC_STREAM_COLO
                            : box.remus ? XC_STREAM_REMUS
                                        : XC_STREAM_PLAIN;

    return xc_domain_restore(box.xch, STDIN_FILENO, box.domid, store_port,
                             &box.store, 0, console_port, &box.console, 0, type,
                             &cb, box.colo ? BACK_FD : -1);
}

static int restore_by_engine(uint32_t store_port, uint32_t console_port)
{
    static const struct xsr_engine_restore_ops ops = {
        .checkpoint = on_checkpoint,
        .postcopy = on_postcopy,
        .wait_checkpoint = on_wait,
        .suspend = on_suspend,
        .restore_results = on_engine_results,
    };
    static char name[] = "restorebox";
    const struct xsr_log log = {xsr_log_to_stderr, NULL, name, XSR_LOG_INFO};
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_engine_restore r = {
        .xch = box.xch,
        .fd = STDIN_FILENO,
        .domid = box.domid,
        .store_evtchn = store_port,
        .console_evtchn = console_port,
        .stream_type = box.colo    ? XSR_STREAM_IS_COLO
                       : box.remus ? XSR_STREAM_IS_REMUS
                                   : XSR_STREAM_IS_PLAIN,
        .back_fd = box.colo ? BACK_FD : -1,
        .log = &log,
        .ops = &ops,
    };

    if (xsr_engine_restore(&r, &err) == 0)
        return 0;
    fprintf(stderr, "restorebox: %s\n", err.text);
    errno = xsr_err_errno(&err);
    return -1;
}

static void get_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"type", 1, NULL, 't'},   {"vcpus", 1, NULL, 'v'},
        {"memory", 1, NULL, 'm'}, {"remus", 0, NULL, 'r'},
        {"colo", 0, NULL, 'c'},   {"lose", 1, NULL, 'l'},
        {"engine", 0, NULL, 'e'}, {"unpause", 0, NULL, 'u'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        box.remus |= c == 'r';
        box.colo |= c == 'c';
        box.engine |= c == 'e';
        box.unpause |= c == 'u';
        if (c == 't')
            box.type = optarg;
        if (c == 'v')
            box.n_vcpus = strtoul(optarg, NULL, 10);
        if (c == 'm')
            box.memory_mib = strtoul(optarg, NULL, 10);
        if (c == 'l')
            box.lose = strtoul(optarg, NULL, 10);
        if (c == '?')
            exit(2);
    }
}

int main(int argc, char **argv)
{
    uint32_t store_port, console_port;
    int rc;

    get_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    box.xch = xc_interface_open(NULL, NULL, 0);
    if (!box.xch)
        die("opening the hypervisor");
    create_domain();
    store_port = new_port();
    console_port = new_port();
    rc = (box.engine ? restore_by_engine : restore_by_library)(store_port,
                                                               console_port);
    fprintf(stderr, "restorebox: result %d, errno %d, %u checkpoints\n", rc,
            rc ? errno : 0, box.n_checkpoints);
    if (rc)
        die("restoring");
    if (box.unpause && !box.n_results &&
        xc_domain_unpause(box.xch, box.domid) < 0)
        die("unpausing");
    printf("%" PRIu32 "\n", box.domid);
    xc_interface_close(box.xch);
    return 0;
}

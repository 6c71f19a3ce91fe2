/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * savebox [OPTION...] DOMID: one save without a toolstack around it. The image
 * goes to standard output, log and progress to standard error. The guest is
 * suspended by hypercall, whoever it is.
 *
 *   --engine        our engine; else the libxenguest that the loader finds
 *   --live          --verify         --fallback (with --engine)
 *   --remus N       a checkpointed save that ends behind N checkpoints
 *   --colo N        the same with COLO; the secondary's list of pages comes
 *                   from descriptor 3
 *   --rounds N      pre-copy rounds (with --engine or a libxenguest that asks)
 *   --prepare       a PV guest just restored and never run: give its p2m list
 *                   and its ring pages as a resuming and suspending one would
 *   --resume WAY    afterwards: fast or slow
 *   --no-suspend    answer that the guest would not be suspended
 *
 * Exit status 0: as asked; 1: the save failed, errno on the last line.
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
#include "engine/pv_layout.h"
#include "engine/pv_map.h"
#include "engine/xen_get.h"
#include "lib/buf.h"
#include "lib/bytes.h"

#define BACK_FD 3

static struct {
    xc_interface *xch;
    uint32_t domid;
    bool engine, live, verify, colo, fallback, prepare, no_suspend;
    long n_checkpoints, max_rounds;
    const char *resume;
    unsigned n_asked, n_logdirty;
} box = {.max_rounds = -1};

static int die(const char *what, const char *why)
{
    fprintf(stderr, "savebox: %s: %s\n", what, why);
    exit(1);
}

/* ---- the guest ----------------------------------------------------------- */

static int suspend_guest(void)
{
    if (box.no_suspend)
        return 0;
    if (xc_domain_shutdown(box.xch, box.domid, SHUTDOWN_suspend) < 0)
        die("suspending", strerror(errno));
    return 1;
}

static void resume_guest(bool fast)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (!box.engine && xc_domain_resume(box.xch, box.domid, fast) < 0)
        die("resuming", strerror(errno));
    if (box.engine && xsr_engine_resume(box.xch, box.domid, fast, &err) < 0)
        die("resuming", err.text);
}

static uint8_t *map_page(struct xsr_xen *xen, xen_pfn_t frame)
{
    struct xsr_err err = XSR_ERR_INIT;
    void *p;

    if (xsr_xen_map(xen, &frame, 1, PROT_READ | PROT_WRITE, "a page", &p,
                    &err) < 0)
        die("preparing", err.text);
    return p;
}

static void ring_to_pfn(const struct xsr_pv_map *map, uint8_t *at)
{
    uint64_t pfn = xsr_pv_pfn(map, xsr_le64(at));

    if (pfn != XSR_INVALID_FRAME)
        xsr_st_le64(at, pfn);
}

/* What a PV kernel does when it resumes, and then when it suspends. */
static void prepare(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf ctx = XSR_BUF_INIT;
    struct xsr_xen_domain dom;
    struct xsr_pv_map map;
    struct xsr_xen xen;
    uint8_t *page;

    if (xsr_xen_init(&xen, box.xch, box.domid, &err) < 0 ||
        xsr_xen_get_domain(&xen, &dom, &err) < 0)
        die("preparing", err.text);
    if (!dom.hvm) {
        if (xsr_xen_get_vcpu(&xen, 0, &ctx, &err) < 0)
            die("preparing", err.text);
        page = map_page(&xen, dom.shared_info_frame);
        xsr_st_le64(page + XSR_SI_P2M_CR3, xsr_le64(ctx.p + XSR_VC_CR3));
        xsr_xen_unmap(&xen, page, 1);
        xsr_pv_map_init(&map, &xen);
        if (xsr_pv_map_open(&map, dom.shared_info_frame, &err) < 0)
            die("preparing", err.text);
        page = map_page(&xen, xsr_le64(ctx.p + XSR_VC_RDX));
        ring_to_pfn(&map, page + XSR_ST_STORE_MFN);
        ring_to_pfn(&map, page + XSR_ST_CONSOLE_MFN);
        xsr_xen_unmap(&xen, page, 1);
        xsr_pv_map_fini(&map, NULL);
    }
    xsr_buf_fini(&ctx);
    xsr_xen_fini(&xen);
}

/* ---- callbacks ----------------------------------------------------------- */

static int decide(unsigned iteration, int64_t n_dirty)
{
    if (box.max_rounds < 0)
        return iteration >= 5 || (n_dirty >= 0 && n_dirty < 50);
    return iteration >= (unsigned long)box.max_rounds;
}

static int after_checkpoint(void)
{
    return ++box.n_asked < box.n_checkpoints;
}

static int switch_logdirty(bool enable)
{
    box.n_logdirty += enable ? 1 : -1u;
    fprintf(stderr, "savebox: device model: log-dirty %d\n", enable);
    return 0;
}

static int lib_suspend(void *data)
{
    (void)data;
    return suspend_guest();
}
static int lib_policy(struct precopy_stats stats, void *data)
{
    (void)data;
    return decide(stats.iteration, stats.dirty_count);
}
static int lib_postcopy(void *data)
{
    (void)data;
    resume_guest(true);
    return 1;
}
static int lib_checkpoint(void *data)
{
    (void)data;
    return after_checkpoint();
}
static int lib_colo_checkpoint(void *data)
{
    (void)data;
    return 1;
}
static int lib_logdirty(uint32_t domid, unsigned enable, void *data)
{
    (void)domid, (void)data;
    return switch_logdirty(enable);
}
static int own_policy(void *ctx, const struct xsr_precopy_stats *stats)
{
    (void)ctx;
    return decide(stats->iteration, stats->dirty_count);
}
static int own_logdirty(void *ctx, uint32_t domid, bool enable)
{
    (void)ctx, (void)domid;
    return switch_logdirty(enable);
}

static enum xsr_stream_type stream_type(void)
{
    if (box.colo)
        return XSR_STREAM_IS_COLO;
    return box.n_checkpoints ? XSR_STREAM_IS_REMUS : XSR_STREAM_IS_PLAIN;
}

/* ---- the save ------------------------------------------------------------ */

static void on_progress(void *ctx, const char *what, uint64_t done,
                        uint64_t total)
{
    (void)ctx;
    fprintf(stderr, "progress: %s %" PRIu64 "/%" PRIu64 "\n", what, done,
            total);
}

static int save_by_engine(void)
{
    const struct xsr_engine_save_ops ops = {
        .suspend = lib_suspend,
        .precopy_policy = own_policy,
        .checkpoint = box.colo ? lib_colo_checkpoint : lib_checkpoint,
        .wait_checkpoint = lib_checkpoint,
        .postcopy = lib_postcopy,
        .switch_qemu_logdirty = own_logdirty,
    };
    static char name[] = "savebox";
    const struct xsr_log log = {xsr_log_to_stderr, on_progress, name,
                                XSR_LOG_INFO};
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_engine_save s = {
        .xch = box.xch,
        .fd = STDOUT_FILENO,
        .domid = box.domid,
        .live = box.live,
        .verify = box.verify,
        .stream_type = stream_type(),
        .back_fd = box.colo ? BACK_FD : -1,
        .live_fallback = box.fallback,
        .log = &log,
        .ops = &ops,
    };

    if (xsr_engine_save(&s, &err) == 0) {
        fprintf(stderr, "savebox: %" PRIu64 " pages, %u rounds%s\n", s.n_pages,
                s.n_rounds, s.fell_back ? ", not live" : "");
        return 0;
    }
    fprintf(stderr, "savebox: %s\n", err.text);
    errno = xsr_err_errno(&err);
    return s.refused_by ? s.refused : -1;
}

static int save_by_library(void)
{
    struct save_callbacks cb = {
        .suspend = lib_suspend,
        .precopy_policy = box.max_rounds < 0 ? NULL : lib_policy,
        .postcopy = lib_postcopy,
        .checkpoint = box.colo ? lib_colo_checkpoint : lib_checkpoint,
        .wait_checkpoint = lib_checkpoint,
        .switch_qemu_logdirty = lib_logdirty,
    };
    uint32_t flags =
        (box.live ? XCFLAGS_LIVE : 0) | (box.verify ? XCFLAGS_DEBUG : 0);

    return xc_domain_save(box.xch, STDOUT_FILENO, box.domid, flags, &cb,
                          (xc_stream_type_t)stream_type(),
                          box.colo ? BACK_FD : -1);
}

static void get_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"engine", 0, NULL, 'e'},     {"live", 0, NULL, 'l'},
        {"verify", 0, NULL, 'v'},     {"fallback", 0, NULL, 'f'},
        {"remus", 1, NULL, 'c'},      {"rounds", 1, NULL, 'n'},
        {"prepare", 0, NULL, 'p'},    {"resume", 1, NULL, 'r'},
        {"no-suspend", 0, NULL, 's'}, {"colo", 1, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        box.engine |= c == 'e';
        box.live |= c == 'l' || c == 'c' || c == 'o';
        box.colo |= c == 'o';
        box.verify |= c == 'v';
        box.fallback |= c == 'f';
        box.prepare |= c == 'p';
        box.no_suspend |= c == 's';
        if (c == 'c' || c == 'o')
            box.n_checkpoints = strtol(optarg, NULL, 10);
        if (c == 'n')
            box.max_rounds = strtol(optarg, NULL, 10);
        if (c == 'r')
            box.resume = optarg;
        if (c == '?')
            exit(2);
    }
    if (optind + 1 != argc)
        die("usage", "savebox [OPTION...] DOMID");
    box.domid = (uint32_t)strtoul(argv[optind], NULL, 10);
}

int main(int argc, char **argv)
{
    int rc, saved;

    get_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    box.xch = xc_interface_open(NULL, NULL, 0);
    if (!box.xch)
        die("opening the hypervisor", strerror(errno));
    if (box.prepare)
        prepare();
    rc = box.engine ? save_by_engine() : save_by_library();
    saved = errno;
    if (box.n_logdirty)
        fprintf(stderr, "savebox: the device model was left logging\n");
    if (rc == 0 && box.resume)
        resume_guest(strcmp(box.resume, "fast") == 0);
    xc_interface_close(box.xch);
    fprintf(stderr, "savebox: result %d, errno %d\n", rc, rc ? saved : 0);
    return rc ? 1 : 0;
}

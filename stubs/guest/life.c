/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest does when a toolstack asks something of it: it suspends as a
 * guest of its kind does, goes on after a save that failed or was only a
 * checkpoint, or finds itself in a new domain after a restore. A PV guest puts
 * page numbers into start_info before it goes and reads frames from it when it
 * comes back; all of them lose their event channels in a new domain.
 *
 * Called by the hypervisor (hooks.h); where told() starts, no lock is held.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/guest/gi.h"
#include "stubs/xs/store.h"

#include <xen/hvm/save.h>

#define N_REGS 6u

static bool by_itself; /* a shutdown that the guest makes; host lock held */

/* ---- registers ----------------------------------------------------------- */

static void set_regs(struct cpu_user_regs *r, const uint64_t v[N_REGS])
{
    r->rax = 0;
    r->rbx = v[0];
    r->rcx = v[1];
    r->rbp = v[2];
    r->r12 = v[3];
    r->r13 = v[4];
    r->r15 = v[5];
}

/* The same in the entry that an HVM save fetches. */
static void set_hvm_regs(struct xsr_dom *d, uint32_t id,
                         const uint64_t v[N_REGS])
{
    uint8_t *body = xsr_hv_hvmctx_body(d, HVM_SAVE_CODE(CPU), id);
    struct hvm_hw_cpu c;

    if (!body)
        return;
    memcpy(&c, body, sizeof(c));
    c.rax = 0;
    c.rbx = v[0];
    c.rcx = v[1];
    c.rbp = v[2];
    c.r12 = v[3];
    c.r13 = v[4];
    c.r15 = v[5];
    memcpy(body, &c, sizeof(c));
}

static void load_regs(const struct xsr_guest *g, uint32_t id,
                      uint64_t out[N_REGS])
{
    unsigned i;

    for (i = 0; i < N_REGS; i++)
        out[i] = xsr_guest_reg(g->desc->seed, g->desc->n_suspends, id, i);
}

static void store_vcpus(struct xsr_guest *g)
{
    uint64_t v[N_REGS];
    uint32_t id;

    for (id = 0; id < g->desc->n_vcpus && xsr_hv_vcpu(g->d, id); id++) {
        load_regs(g, id, v);
        set_regs(&g->d->vcpu[id].ctx.user_regs, v);
        if (g->d->hvm)
            set_hvm_regs(g->d, id, v);
    }
    if (!g->d->hvm) /* the argument of the call that suspends */
        g->d->vcpu[0].ctx.user_regs.rdx =
            (uint64_t)xsr_guest_mfn(g->d, XSR_G_START_INFO);
}

/* Registers that came back from somewhere are those that went. */
static void check_vcpus(struct xsr_guest *g)
{
    uint64_t v[N_REGS];
    uint32_t id;

    for (id = 0; id < g->desc->n_vcpus; id++) {
        const struct xsr_vcpu *vcpu = xsr_hv_vcpu(g->d, id);
        const uint8_t *body;
        uint64_t rbx;

        if (!vcpu || !vcpu->initialised)
            continue;
        rbx = vcpu->ctx.user_regs.rbx;
        body =
            g->d->hvm ? xsr_hv_hvmctx_body(g->d, HVM_SAVE_CODE(CPU), id) : NULL;
        if (body)
            rbx = xsr_le64(body + offsetof(struct hvm_hw_cpu, rbx));
        load_regs(g, id, v);
        if (rbx != v[0])
            xsr_guest_trouble(g,
                              "vCPU %u came back with rbx %#llx, it was "
                              "%#llx",
                              id, (unsigned long long)rbx,
                              (unsigned long long)v[0]);
    }
}

/* ---- start_info ---------------------------------------------------------- */

static start_info_t *start_info(struct xsr_guest *g)
{
    return g->d->hvm ? NULL : xsr_guest_page(g, XSR_G_START_INFO);
}

static void put_pfns(struct xsr_guest *g)
{
    start_info_t *si = start_info(g);

    if (!si)
        return;
    si->store_mfn = XSR_G_STORE;
    si->console.domU.mfn = XSR_G_CONSOLE;
    xsr_guest_dirty(g, XSR_G_START_INFO);
}

static void put_mfns(struct xsr_guest *g)
{
    start_info_t *si = start_info(g);

    if (!si)
        return;
    si->store_mfn = (uint64_t)xsr_guest_mfn(g->d, XSR_G_STORE);
    si->console.domU.mfn = (uint64_t)xsr_guest_mfn(g->d, XSR_G_CONSOLE);
    xsr_guest_dirty(g, XSR_G_START_INFO);
}

static void check_start_info(struct xsr_guest *g)
{
    const start_info_t *si = start_info(g);

    if (!si)
        return;
    if (si->store_mfn != (uint64_t)xsr_guest_mfn(g->d, XSR_G_STORE) ||
        si->console.domU.mfn != (uint64_t)xsr_guest_mfn(g->d, XSR_G_CONSOLE))
        xsr_guest_trouble(g,
                          "start_info has store frame %#llx and console "
                          "frame %#llx, which are not those of its pages",
                          (unsigned long long)si->store_mfn,
                          (unsigned long long)si->console.domU.mfn);
    if (si->shared_info != g->d->shinfo_mfn << 12)
        xsr_guest_trouble(g,
                          "start_info leads to shared_info at %#llx, it "
                          "is at %#llx",
                          (unsigned long long)si->shared_info,
                          (unsigned long long)g->d->shinfo_mfn << 12);
}

/* ---- xenstore ------------------------------------------------------------ */

static void node_path(const struct xsr_dom *d, const char *name, char out[96])
{
    snprintf(out, 96, "/local/domain/%u/%s", d->domid, name);
}

/* A node's text, cut to len. Empty if there is none. */
static void read_node(const struct xsr_dom *d, const char *name, char *out,
                      size_t len)
{
    const struct xsr_store_node *node;
    char path[96];

    out[0] = '\0';
    node_path(d, name, path);
    if (xsr_store_enter(false))
        return;
    node = xsr_store_tree_find(xsr_store_state()->root, path);
    if (node && node->len < len) {
        memcpy(out, node->value, node->len);
        out[node->len] = '\0';
    }
    xsr_store_leave(false);
}

static void write_node(const struct xsr_dom *d, const char *name,
                       const char *value)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    char path[96];

    node_path(d, name, path);
    if (xsr_store_op_put(&ops, XSR_STORE_OP_WRITE, path, value,
                         strlen(value)) == 0 &&
        xsr_store_enter(true) == 0) {
        if (xsr_store_commit(&ops))
            xsr_sim_log("guest of domain %u cannot write %s", d->domid, path);
        xsr_store_leave(true);
    }
    xsr_buf_fini(&ops);
}

static void offer_suspend_port(struct xsr_guest *g)
{
    char text[16];
    int port;

    if (g->desc->suspend != XSR_GUEST_BY_EVTCHN)
        return;
    port = xsr_hv_evtchn_alloc(g->d->domid, 0);
    if (port < 0)
        return;
    g->desc->suspend_port = (uint32_t)port;
    snprintf(text, sizeof(text), "%d", port);
    write_node(g->d, "device/suspend/event-channel", text);
}

/* ---- going --------------------------------------------------------------- */

void xsr_guest_stopping(struct xsr_dom *d, uint32_t reason)
{
    struct xsr_guest g;

    if (!d->guest || !xsr_guest_open(d, &g))
        return;
    if (xsr_guest_runs(d) && d->guest_ns)
        xsr_guest_run_to(&g, xsr_hv_now());
    d->guest_ns = 0;
    if (reason != SHUTDOWN_suspend)
        return;
    if (g.desc->suspended) { /* restored, saved again, never ran between */
        xsr_guest_record(d);
        return;
    }
    xsr_guest_dirty(&g, XSR_G_DESC);
    if (!by_itself && g.desc->suspend != XSR_GUEST_BY_CALL) {
        /* a real one with drivers would not have prepared for that */
        g.desc->n_forced++;
        xsr_sim_log("guest of domain %u was suspended by hypercall, although "
                    "it has drivers",
                    d->domid);
    }
    g.desc->n_suspends++;
    g.desc->suspended = 1;
    put_pfns(&g);
    store_vcpus(&g);
    xsr_guest_record(d);
}

static void shut_down(struct xsr_guest *g, uint32_t reason)
{
    by_itself = true;
    xsr_hv_shutdown(g->d, reason);
    by_itself = false;
}

/* control/shutdown says something. */
void xsr_guest_answer(struct xsr_guest *g)
{
    static const struct {
        const char *word;
        uint32_t reason;
    } words[] = {{"suspend", SHUTDOWN_suspend},
                 {"poweroff", SHUTDOWN_poweroff},
                 {"halt", SHUTDOWN_poweroff},
                 {"reboot", SHUTDOWN_reboot}};
    char text[32];
    size_t i;

    if (g->desc->suspend == XSR_GUEST_BY_CALL) /* has no driver that looks */
        return;
    read_node(g->d, "control/shutdown", text, sizeof(text));
    for (i = 0; i < XSR_ARRAY_LEN(words); i++)
        if (strcmp(text, words[i].word) == 0)
            break;
    if (i == XSR_ARRAY_LEN(words) ||
        (i == 0 && g->desc->suspend == XSR_GUEST_NEVER))
        return;
    write_node(g->d, "control/shutdown", "");
    if (i == 0 && g->desc->suspend == XSR_GUEST_REFUSES)
        return;
    shut_down(g, words[i].reason);
}

void xsr_guest_told(uint32_t domid)
{
    struct xsr_guest g;
    struct xsr_dom *d;
    int keep = errno;

    if (xsr_host_enter() < 0)
        return;
    d = xsr_hv_dom(domid);
    if (d && d->guest && xsr_guest_runs(d) && xsr_guest_open(d, &g))
        xsr_guest_answer(&g);
    xsr_host_leave();
    xsr_hv_fire_notes();
    errno = keep;
}

void xsr_guest_event(struct xsr_dom *d, uint32_t port)
{
    struct xsr_guest g;

    if (!d->guest || !xsr_guest_runs(d) || !xsr_guest_open(d, &g) ||
        g.desc->suspend != XSR_GUEST_BY_EVTCHN || g.desc->suspend_port != port)
        return;
    d->evtchn[port].pending = 0;
    shut_down(&g, SHUTDOWN_suspend);
}

/* ---- coming back --------------------------------------------------------- */

/* A slow resume takes the other vCPUs down; the guest boots them again. */
static void boot_vcpus(struct xsr_guest *g)
{
    uint32_t id;

    for (id = 1; !g->d->hvm && id < g->desc->n_vcpus; id++)
        if (xsr_hv_vcpu(g->d, id) && !g->d->vcpu[id].initialised)
            xsr_guest_vcpu_up(g->d, id, (uint64_t)xsr_guest_mfn(g->d, XSR_G_L4),
                              (uint64_t)xsr_guest_mfn(g->d, XSR_G_USER_L4),
                              (uint64_t)xsr_guest_mfn(g->d, XSR_G_GDT), 0);
}

/* The call that suspended returns: 1 says that nothing happened. */
static void come_back(struct xsr_guest *g)
{
    bool cancelled = g->d->vcpu[0].ctx.user_regs.rax == 1;

    check_vcpus(g);
    if (cancelled) {
        put_mfns(g);
    } else {
        check_start_info(g);
        boot_vcpus(g);
    }
    g->desc->suspended = 0;
    g->desc->n_resumes++;
    xsr_guest_dirty(g, XSR_G_DESC);
}

/* What drivers set up again in a new domain. */
static void connect_drivers(struct xsr_guest *g)
{
    static const char *const features[] = {"control/feature-suspend",
                                           "control/feature-poweroff",
                                           "control/feature-reboot"};
    size_t i;

    if (g->desc->suspend == XSR_GUEST_BY_CALL)
        return;
    if (g->d->hvm)
        g->d->params[HVM_PARAM_CALLBACK_IRQ] = XSR_G_CALLBACK;
    for (i = 0; i < XSR_ARRAY_LEN(features); i++)
        write_node(g->d, features[i], "1");
    offer_suspend_port(g);
}

/* The same call returns in another domain, or on another host. */
static void arrive(struct xsr_guest *g)
{
    check_vcpus(g);
    check_start_info(g);
    if (!g->d->hvm)
        xsr_guest_publish_p2m(g);
    g->desc->suspended = 0;
    g->desc->n_restores++;
    xsr_guest_dirty(g, XSR_G_DESC);
    connect_drivers(g);
}

void xsr_guest_resumed(struct xsr_dom *d)
{
    struct xsr_guest g;

    if (!d->guest || !xsr_guest_open(d, &g))
        return;
    if (g.desc->suspended)
        come_back(&g);
    if (xsr_guest_runs(d))
        xsr_guest_started(d);
}

/* Who is it? A new guest and a restored one are met here for the first time. */
static bool meet(struct xsr_dom *d, struct xsr_guest *g)
{
    bool known = d->guest != 0;

    if (!xsr_guest_open(d, g))
        return false;
    if (known)
        return true;
    xsr_host->guests++;
    d->guest = (uint64_t)xsr_guest_mfn(d, XSR_G_DESC) + 1;
    if (g->desc->suspended)
        arrive(g);
    else
        offer_suspend_port(g);
    return true;
}

void xsr_guest_started(struct xsr_dom *d)
{
    struct xsr_guest g;

    if (!xsr_guest_runs(d) || !meet(d, &g))
        return;
    if (d->guest_ns == 0)
        d->guest_ns = xsr_hv_now();
    xsr_guest_answer(&g); /* what it was told while it could not listen */
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test guest's side of xenstore: one request at a time over the shared
 * ring, each with a limit, since a verdict matters more than an answer. It
 * watches control/shutdown, takes requests from there as a Linux guest does (in
 * a transaction, so that a toolstack that gives up is not overtaken), and
 * offers its suspend channel if it has one.
 */
#include "xg.h"

#include <xen/io/xs_wire.h>

#include "hypercall.h"

#define PATIENCE (20 * XG_SECOND)
#define MAX_TEXT 256u

struct xenstore_domain_interface *xg_store;

static bool fired;
static bool broken; /* the last request got no answer */
static uint32_t last_id;

struct answer {
    struct xsd_sockmsg head;
    char text[MAX_TEXT + 1];
};

/* ---- the ring ------------------------------------------------------------ */

static bool wait_until(uint64_t deadline)
{
    if (xg_now() >= deadline)
        return false;
    xg_take_event(xg_ports.store);
    xg_wait(deadline < xg_now() + 50 * XG_MS ? deadline
                                             : xg_now() + 50 * XG_MS);
    return true;
}

static int put_bytes(const void *from, uint32_t len, uint64_t deadline)
{
    const char *bytes = from;

    for (uint32_t i = 0; i < len; i++) {
        uint32_t prod = xg_store->req_prod;

        while (prod - *(volatile uint32_t *)&xg_store->req_cons >=
               XENSTORE_RING_SIZE) {
            xg_notify(xg_ports.store);
            if (!wait_until(deadline))
                return -1;
        }
        xg_store->req[MASK_XENSTORE_IDX(prod)] = bytes[i];
        xg_barrier();
        xg_store->req_prod = prod + 1;
    }
    return 0;
}

/* What does not fit into `to` is taken from the ring all the same. */
static int get_bytes(char *to, uint32_t size, uint32_t len, uint64_t deadline)
{
    for (uint32_t i = 0; i < len; i++) {
        uint32_t cons = xg_store->rsp_cons;

        while (*(volatile uint32_t *)&xg_store->rsp_prod == cons) {
            xg_notify(xg_ports.store);
            if (!wait_until(deadline))
                return -1;
        }
        xg_barrier();
        if (i < size)
            to[i] = xg_store->rsp[MASK_XENSTORE_IDX(cons)];
        xg_barrier();
        xg_store->rsp_cons = cons + 1;
    }
    return 0;
}

static int get_message(struct answer *a, uint64_t deadline)
{
    if (get_bytes((char *)&a->head, sizeof(a->head), sizeof(a->head), deadline))
        return -1;
    if (a->head.len > XENSTORE_PAYLOAD_MAX)
        xg_panic("xenstore sent a message of this length", a->head.len);
    if (get_bytes(a->text, MAX_TEXT, a->head.len, deadline))
        return -1;
    a->text[a->head.len < MAX_TEXT ? a->head.len : MAX_TEXT] = 0;
    xg_notify(xg_ports.store);
    if (a->head.type == XS_WATCH_EVENT)
        fired = true;
    return 0;
}

/* ---- requests ------------------------------------------------------------ */

/* The payload is two texts; each as long as said, terminators included. */
struct request {
    uint32_t type, tx;
    const char *first, *second;
    uint32_t first_len, second_len;
};

static int ask(const struct request *r, struct answer *a)
{
    struct xsd_sockmsg head = {.type = r->type,
                               .req_id = ++last_id,
                               .tx_id = r->tx,
                               .len = r->first_len + r->second_len};
    uint64_t deadline = xg_now() + PATIENCE;

    if (broken || put_bytes(&head, sizeof(head), deadline) ||
        put_bytes(r->first, r->first_len, deadline) ||
        put_bytes(r->second, r->second_len, deadline))
        goto fail;
    xg_notify(xg_ports.store);
    do {
        if (get_message(a, deadline))
            goto fail;
    } while (a->head.type == XS_WATCH_EVENT || a->head.req_id != head.req_id);
    return a->head.type == XS_ERROR ? -1 : 0;

fail:
    if (!broken)
        xg_say(XG_DROP, "xenstore does not answer");
    broken = true;
    return -1;
}

static int write_node(uint32_t tx, const char *path, const char *value)
{
    struct answer a;
    struct request r = {XS_WRITE,        tx, path, value, xg_length(path) + 1,
                        xg_length(value)};

    return ask(&r, &a);
}

static int start_transaction(uint32_t *tx_out)
{
    struct request r = {XS_TRANSACTION_START, 0, "", "", 1, 0};
    struct answer a;
    uint32_t tx = 0;

    if (ask(&r, &a))
        return -1;
    for (const char *c = a.text; *c >= '0' && *c <= '9'; c++)
        tx = tx * 10 + (uint32_t)(*c - '0');
    *tx_out = tx;
    return 0;
}

static int end_transaction(uint32_t tx, bool commit)
{
    struct request r = {XS_TRANSACTION_END, tx, commit ? "T" : "F", "", 2, 0};
    struct answer a;

    return ask(&r, &a);
}

/* ---- what the guest says and asks ---------------------------------------- */

static int offer_channel(void)
{
    char digits[16];
    unsigned n = sizeof(digits) - 1;
    uint32_t port;

    if (xg_options.suspend != XG_BY_EVTCHN)
        return 0;
    if (!xg_ports.suspend)
        xg_ports.suspend = xg_port_alloc(0);
    if (!xg_ports.suspend)
        return -1;
    digits[n] = 0;
    for (port = xg_ports.suspend; port; port /= 10)
        digits[--n] = (char)('0' + port % 10);
    return write_node(0, "device/suspend/event-channel", digits + n);
}

int xg_store_connect(bool again)
{
    static const char watch[] = "control/shutdown\0shutdown";
    struct request r = {XS_WATCH, 0, watch, "", sizeof(watch), 0};
    struct answer a;

    broken = false;
    if (again) {
        /* What was left of an answer belongs to another connection. */
        xg_store->rsp_cons = xg_store->rsp_prod;
    }
    ask(&r, &a); /* EEXIST if the connection is still the old one */
    if (broken)
        return -1;
    if (xg_options.suspend != XG_NOT_AT_ALL)
        write_node(0, "control/feature-suspend", "1");
    write_node(0, "control/feature-poweroff", "1");
    write_node(0, "control/feature-reboot", "1");
    return offer_channel();
}

bool xg_store_fired(void)
{
    struct answer a;
    bool was;

    while (!broken && xg_store->rsp_prod != xg_store->rsp_cons)
        if (get_message(&a, xg_now() + PATIENCE))
            broken = true;
    was = fired;
    fired = false;
    return was;
}

static enum xg_request request_named(const char *word)
{
    if (xg_same(word, "suspend") && xg_options.suspend != XG_NOT_AT_ALL)
        return XG_SUSPEND;
    if (xg_same(word, "poweroff"))
        return XG_POWEROFF;
    if (xg_same(word, "reboot"))
        return XG_REBOOT;
    return xg_same(word, "halt") ? XG_HALT : XG_NOTHING;
}

enum xg_request xg_store_request(void)
{
    static const char path[] = "control/shutdown";

    for (;;) {
        struct request r = {XS_READ, 0, path, "", sizeof(path), 0};
        enum xg_request request;
        struct answer a;

        if (start_transaction(&r.tx))
            return XG_NOTHING;
        request = ask(&r, &a) ? XG_NOTHING : request_named(a.text);
        if (request == XG_NOTHING) {
            end_transaction(r.tx, false);
            return XG_NOTHING;
        }
        write_node(r.tx, path, "");
        if (!end_transaction(r.tx, true))
            return request;
        if (broken)
            return XG_NOTHING;
    }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What follows the body: of a PV guest its vCPUs and the shared info page, of
 * an HVM guest three pfns and Xen's context, which end the libxc image; then
 * what the toolstack put behind it, QEMU's state. From here on not a byte is
 * read that is not needed: with --skip-qemu, somebody else reads that state.
 */
#include "convert/legacy_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/util.h"

/* Header of the state and kind of its first section: qemu-traditional began
   with memory, the only one that has parts. */
#define STATE_PEEK     9u
#define TRADITIONAL    1u
#define MAGIC_PFNS_LEN 24u
#define N_PARAM_IOREQ  5u
#define N_PARAM_BUF    6u
#define N_PARAM_STORE  1u

size_t xsr_lg_min_tail(const struct xsr_lg *c)
{
    if (c->rules.shape.guest == XSR_XC3_HVM)
        return MAGIC_PFNS_LEN + 4;
    return 4 + c->ext.vcpu_len + (c->ext.extended ? XSR_LG_EXTENDED : 0) +
           XSR_PAGE_SIZE;
}

/* ---- PV ------------------------------------------------------------------ */

/* Balloon holes, and pages given back during the save: v2 has no such list. */
static int skip_unmapped(struct xsr_lg *c, struct xsr_err *err)
{
    const uint8_t *p;
    uint64_t n;

    if (xsr_lg_take(&c->in, 4, "the number of unmapped pfns", &p, err) < 0)
        return -1;
    n = xsr_le32(p);
    if (n > c->rules.p2m_size) {
        xsr_fail(err, XSR_E_FORMAT,
                 "found %llu unmapped pfns, allowed at most %llu, the p2m "
                 "size",
                 (unsigned long long)n, (unsigned long long)c->rules.p2m_size);
        return xsr_err_at(err, c->in.pos - 4);
    }
    c->rep->n_unmapped = n;
    if (n)
        xsr_lg_say(c, XSR_LOG_DEBUG, "%llu unmapped pfns",
                   (unsigned long long)n);
    return xsr_lg_copy(&c->in, NULL, n * c->rules.shape.width,
                       "the list of unmapped pfns", err);
}

static int convert_vcpu_part(struct xsr_lg *c, uint32_t type, uint32_t id,
                             uint32_t len, struct xsr_err *err)
{
    const uint8_t *p;

    if (xsr_lg_need(&c->in, len, xsr_xc3_type_name(type), &p, err) < 0 ||
        xsr_lg_record(c, type, 8 + len, err) < 0 ||
        xsr_lg_put_u32(c->o, id, err) < 0 || xsr_lg_put_u32(c->o, 0, err) < 0 ||
        xsr_lg_copy(&c->in, c->o, len, xsr_xc3_type_name(type), err) < 0)
        return -1;
    return xsr_lg_pad(c, len, err);
}

/* Since 4.4 of each vCPU its own size. */
static int convert_xsave(struct xsr_lg *c, uint32_t id, struct xsr_err *err)
{
    const uint8_t *p;
    uint64_t len;

    if (xsr_lg_take(&c->in, 16, "the size of xsave state", &p, err) < 0)
        return -1;
    len = xsr_le64(p + 8);
    if (len < 16 || len > XSR_MAX_VCPU_XSAVE) {
        xsr_fail(err, XSR_E_LIMIT,
                 "vCPU %u: found xsave state of %llu bytes, allowed 16 to %u",
                 id, (unsigned long long)len, XSR_MAX_VCPU_XSAVE);
        return xsr_err_at(err, c->in.pos - 8);
    }
    return convert_vcpu_part(c, XSR_XC3_X86_PV_VCPU_XSAVE, id, (uint32_t)len,
                             err);
}

static int convert_vcpu(struct xsr_lg *c, uint32_t id, struct xsr_err *err)
{
    if (convert_vcpu_part(c, XSR_XC3_X86_PV_VCPU_BASIC, id, c->ext.vcpu_len,
                          err) < 0)
        return -1;
    if (c->ext.extended && convert_vcpu_part(c, XSR_XC3_X86_PV_VCPU_EXTENDED,
                                             id, XSR_LG_EXTENDED, err) < 0)
        return -1;
    return c->ext.xsave ? convert_xsave(c, id, err) : 0;
}

static int convert_pv(struct xsr_lg *c, struct xsr_err *err)
{
    if (skip_unmapped(c, err) < 0)
        return -1;
    for (uint32_t id = 0; id <= (uint32_t)c->vcpus.max_id; id++)
        if (xsr_lg_online(&c->vcpus, id) && convert_vcpu(c, id, err) < 0)
            return -1;
    if (xsr_lg_record(c, XSR_XC3_SHARED_INFO, XSR_PAGE_SIZE, err) < 0)
        return -1;
    return xsr_lg_copy(&c->in, c->o, XSR_PAGE_SIZE, "the shared info page",
                       err);
}

/* ---- HVM ----------------------------------------------------------------- */

static int convert_hvm(struct xsr_lg *c, struct xsr_err *err)
{
    struct xsr_hvm_param magic[3];
    const uint8_t *p;
    uint32_t len;

    if (xsr_lg_take(&c->in, MAGIC_PFNS_LEN, "the magic pfns", &p, err) < 0)
        return -1;
    magic[0] = (struct xsr_hvm_param){N_PARAM_IOREQ, xsr_le64(p)};
    magic[1] = (struct xsr_hvm_param){N_PARAM_BUF, xsr_le64(p + 8)};
    magic[2] = (struct xsr_hvm_param){N_PARAM_STORE, xsr_le64(p + 16)};
    if (xsr_lg_put_params(c, magic, 3, err) < 0 ||
        xsr_lg_take(&c->in, 4, "the length of the HVM context", &p, err) < 0)
        return -1;
    len = xsr_le32(p);
    if (len == 0 || len > XSR_MAX_HVM_CONTEXT) {
        xsr_fail(err, XSR_E_LIMIT,
                 "found an HVM context of %u bytes, allowed 1 to %u", len,
                 XSR_MAX_HVM_CONTEXT);
        return xsr_err_at(err, c->in.pos - 4);
    }
    if (xsr_lg_record(c, XSR_XC3_HVM_CONTEXT, len, err) < 0 ||
        xsr_lg_copy(&c->in, c->o, len, "the HVM context", err) < 0)
        return -1;
    return xsr_lg_pad(c, len, err);
}

int xsr_lg_tail(struct xsr_lg *c, struct xsr_err *err)
{
    int rc = c->rules.shape.guest == XSR_XC3_PV ? convert_pv(c, err)
                                                : convert_hvm(c, err);

    return rc < 0 ? rc : xsr_lg_record(c, XSR_XC3_END, 0, err);
}

/* ---- QEMU's state -------------------------------------------------------- */

static int refuse_len(const struct xsr_lg *c, uint64_t len, struct xsr_err *err)
{
    xsr_fail(err, XSR_E_LIMIT,
             "QEMU record: found a state of %llu bytes, allowed at most %u",
             (unsigned long long)len, XSR_MAX_EMULATOR_CONTEXT - 8);
    return xsr_err_at(err, c->in.pos);
}

/* The frame around state of len bytes, as the output's format wants it. */
static int put_state_head(struct xsr_lg *c, const uint8_t *verbatim,
                          size_t n_verbatim, uint64_t len, struct xsr_err *err)
{
    if (len > XSR_MAX_EMULATOR_CONTEXT - 8)
        return refuse_len(c, len, err);
    c->rep->qemu_len = len;
    if (c->p->libxc)
        return xsr_lg_put(c->o, verbatim, n_verbatim, err);
    if (xsr_lg_record(c, XSR_XL2_EMULATOR_CONTEXT, (uint32_t)len + 8, err) < 0)
        return -1;
    return xsr_lg_put_u64(c->o, 0, err); /* emulator 0 (unknown), index 0 */
}

/* What its first bytes tell: worth a warning, not a refusal. */
static int check_state(struct xsr_lg *c, uint64_t len, struct xsr_err *err)
{
    size_t n = xsr_min(len, STATE_PEEK);
    const uint8_t *p;

    if (xsr_lg_need(&c->in, n, "QEMU's state", &p, err) < 0)
        return -1;
    if (n < 4 || memcmp(p, "QEVM", 4) != 0)
        xsr_lg_say(c, XSR_LOG_WARN,
                   "QEMU record: the state does not begin with QEVM");
    else if (n == STATE_PEEK && p[8] == TRADITIONAL)
        xsr_lg_say(c, XSR_LOG_WARN,
                   "QEMU record: the state is of qemu-traditional, which "
                   "Xen 4.21 does not have any more, and no other device "
                   "model can load it");
    return 0;
}

static int convert_state(struct xsr_lg *c, const uint8_t *head, size_t n_head,
                         uint64_t len, struct xsr_err *err)
{
    if (check_state(c, len, err) < 0 ||
        put_state_head(c, head, n_head, len, err) < 0 ||
        xsr_lg_copy(&c->in, c->o, len, "QEMU's state", err) < 0)
        return -1;
    return c->p->libxc ? 0 : xsr_lg_pad(c, len, err);
}

/* Nothing but the end tells how long it is, and the record says it first. */
static int convert_state_to_end(struct xsr_lg *c, const uint8_t *head,
                                size_t n_head, struct xsr_err *err)
{
    struct xsr_lg_out *to = c->o, *side = NULL;
    xsr_auto_close int fd = -1;
    int rc = -1;

    if (check_state(c, 4, err) < 0)
        return -1;
    if (xsr_open_temporary(&fd, err) < 0)
        return -1;
    side = malloc(sizeof *side);
    if (!side)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for state");
    xsr_lg_out_init(side, fd);
    if (xsr_lg_turn_to(c, side, err) < 0 ||
        xsr_lg_copy_to_end(&c->in, side, XSR_MAX_EMULATOR_CONTEXT,
                           "QEMU's state", err) < 0)
        goto out;
    if (xsr_lg_turn_to(c, to, err) == 0 &&
        put_state_head(c, head, n_head, side->pos, err) == 0 &&
        xsr_lg_put_file(to, fd, side->pos, err) == 0)
        rc = c->p->libxc ? 0 : xsr_lg_pad(c, side->pos, err);
out:
    c->o = c->in.out = to;
    free(side);
    return rc;
}

static int convert_qemu(struct xsr_lg *c, struct xsr_err *err)
{
    uint8_t head[XSR_LG_QEMU_SIG + 5];
    size_t n = XSR_LG_QEMU_SIG;
    enum xsr_lg_qemu form;
    const uint8_t *p;
    uint64_t len;

    if (xsr_lg_take(&c->in, n, "the QEMU record", &p, err) < 0)
        return -1;
    memcpy(head, p, n);
    if (xsr_lg_get_qemu(head, &form, err) < 0)
        return xsr_err_at(err, c->in.pos - n);
    if (form == XSR_LG_QEMU_TO_END) {
        if (xsr_lg_need(&c->in, 1, "QEMU's state", &p, err) < 0)
            return -1;
        if (*p != '\n')
            return convert_state_to_end(c, head, n, err);
        form = XSR_LG_QEMU_BE;
    }
    if (form == XSR_LG_QEMU_BE) {
        if (xsr_lg_take(&c->in, 1, "the QEMU record", &p, err) < 0)
            return -1;
        head[n++] = '\n';
    }
    if (xsr_lg_take(&c->in, 4, "the length of QEMU's state", &p, err) < 0)
        return -1;
    memcpy(head + n, p, 4);
    n += 4;
    len = xsr_le32(p);
    if (form == XSR_LG_QEMU_BE)
        len = __builtin_bswap32((uint32_t)len);
    return convert_state(c, head, n, len, err);
}

int xsr_lg_emulator(struct xsr_lg *c, struct xsr_err *err)
{
    bool hvm = c->rules.shape.guest == XSR_XC3_HVM;

    if (!c->p->libxc && c->keys.len &&
        (xsr_lg_record(c, XSR_XL2_EMULATOR_XENSTORE_DATA,
                       (uint32_t)c->keys.len + 8, err) < 0 ||
         xsr_lg_put_u64(c->o, 0, err) < 0 ||
         xsr_lg_put(c->o, c->keys.p, c->keys.len, err) < 0 ||
         xsr_lg_pad(c, c->keys.len, err) < 0))
        return -1;
    if (!hvm || (c->p->libxc && c->p->skip_qemu))
        return 0;
    return convert_qemu(c, err);
}

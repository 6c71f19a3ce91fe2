/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model's state on its way from one container to the other. It is
 * opaque but for two things: who wrote it, which libxl's records say and
 * XenServer's do not; and the piix4acpi record whose version number is wrong
 * in images of XenServer 6.0 to 6.2, which is put right on request.
 */
#include "convert/v2/inner.h"
#include "lib/util.h"
#include "stream/limits.h"
#include "stream/qemu/piix4acpi.h"
#include "stream/qemu/qemu.h"
#include "stream/xapi/xapi.h"
#include "stream/xl2.h"

static const uint8_t zero[8];

static void emu_hdr(uint32_t id, uint8_t *out)
{
    xsr_st_le32(out, id);
    xsr_st_le32(out + 4, 0);
}

/* ---- what it is ---------------------------------------------------------- */

static int find_producer(struct cv *cv, uint32_t *id_out, struct xsr_err *err)
{
    struct xsr_qemu q;
    int rc;

    xsr_qemu_init(&q, 0);
    rc = xsr_qemu_feed(&q, cv->blob.p, cv->blob.len, err);
    if (rc == 0)
        rc = xsr_qemu_end(&q, err);
    *id_out = q.producer;
    if (rc == 0 && q.grade == XSR_QEMU_MALFORMED)
        xsr_parts_note(&cv->p->parts, "warning: %s", q.finding.text);
    xsr_qemu_fini(&q);
    return rc;
}

/* XenServer's record does not say whose it is: as libxl said, or by its look.
 */
static int choose_id(struct cv *cv, uint32_t found, struct xsr_err *err)
{
    struct xsr_buf hdr = XSR_BUF_INIT;
    bool said;
    int rc;

    rc = xsr_parts_load(&cv->p->parts, XSR_PART_EMULATOR_ID,
                        XSR_XL2_EMU_HDR_LEN, &hdr, &said, err);
    cv->blob_id = found;
    if (rc == 0 && said && hdr.len >= 4)
        cv->blob_id = xsr_le32(hdr.p);
    else if (rc == 0)
        xsr_parts_note(&cv->p->parts, "the device state looks like %s's",
                       xsr_qemu_producer_name(found));
    if (rc == 0 && cv->blob_id > XSR_QEMU_UPSTREAM)
        rc = xsr_fail(err, XSR_E_FORMAT,
                      "emulator-id to put in: found %u, allowed 0 to 2",
                      cv->blob_id);
    xsr_buf_fini(&hdr);
    return rc;
}

/* ... so what libxl said must not get lost when its look is another. */
static int leave_id(struct cv *cv, struct xsr_err *err)
{
    uint8_t hdr[XSR_XL2_EMU_HDR_LEN];

    emu_hdr(cv->blob_id, hdr);
    if (cv->p->parts.aside)
        return xsr_parts_leave_bytes(&cv->p->parts, XSR_PART_EMULATOR_ID, hdr,
                                     sizeof hdr, cv->flow.in_at, "", err);
    xsr_parts_note(&cv->p->parts,
                   "warning: that the device state is %s's cannot be kept",
                   xsr_qemu_producer_name(cv->blob_id));
    return 0;
}

static int judge_id(struct cv *cv, struct xsr_err *err)
{
    uint32_t found;

    if (find_producer(cv, &found, err))
        return -1;
    if (cv->blob_id == CV_ID_UNKNOWN && cv->same)
        cv->blob_id = found;
    if (cv->blob_id == CV_ID_UNKNOWN)
        return choose_id(cv, found, err);
    if (found && cv->blob_id && found != cv->blob_id)
        xsr_parts_note(&cv->p->parts,
                       "warning: the device state is said to be %s's, but "
                       "looks like %s's",
                       xsr_qemu_producer_name(cv->blob_id),
                       xsr_qemu_producer_name(found));
    if (found != cv->blob_id && cv->to == XSR_FORMAT_XENSERVER)
        return leave_id(cv, err);
    return 0;
}

/* ---- piix4acpi ----------------------------------------------------------- */

static void warn_broken(const struct cv *cv, const struct xsr_piix4acpi *p)
{
    if (cv->to != XSR_FORMAT_XENSERVER && xsr_piix4acpi_broken(p))
        xsr_parts_note(&cv->p->parts,
                       "warning: the piix4acpi record says version 2 and is "
                       "%u bytes long, which is version 1: %s wrote it; its "
                       "ACPI ports will be lost unless --fix-piix4acpi puts "
                       "it right",
                       p->len, p->origin);
}

static int fix_piix4acpi(struct cv *cv, struct xsr_err *err)
{
    enum xsr_piix4acpi_target target = cv->to == XSR_FORMAT_XENSERVER
                                           ? XSR_PIIX4_FOR_XENSERVER
                                           : XSR_PIIX4_FOR_TRADITIONAL;
    struct xsr_piix4acpi p;
    uint32_t version;

    xsr_piix4acpi_find(cv->blob.p, cv->blob.len, &p);
    if (cv->p->piix4acpi == XSR_FIX_OFF) {
        warn_broken(cv, &p);
        return 0;
    }
    if (!p.found) {
        xsr_parts_note(&cv->p->parts,
                       "piix4acpi: the device state has no such record; "
                       "nothing was changed");
        return 0;
    }
    version =
        xsr_piix4acpi_fixed(&p, target, cv->p->piix4acpi == XSR_FIX_FORCE);
    if (!version)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "piix4acpi says version %u, and its length %s: it "
                        "cannot be told what it is%s",
                        p.version,
                        !p.len ? "fits neither version"
                        : p.hint_contradicts
                            ? "contradicts the gpe record"
                            : "has no gpe record to confirm it",
                        p.len && !p.hint_contradicts
                            ? "; --fix-piix4acpi=force takes its length alone"
                            : "");
    if (version == p.version) {
        xsr_parts_note(&cv->p->parts,
                       "piix4acpi: version %u with %u bytes is what the output "
                       "needs; nothing was changed",
                       p.version, p.len);
        return 0;
    }
    cv->blob.p[p.version_at + 3] = (uint8_t)version; /* 1 to 3, big-endian */
    xsr_parts_note(&cv->p->parts,
                   "piix4acpi: version %u with %u bytes (%s) was changed to "
                   "version %u, at byte %zu of the device state",
                   p.version, p.len, p.origin, version, p.version_at);
    return 0;
}

/* ---- writing it ---------------------------------------------------------- */

static int put_to_libxl(struct cv *cv, struct xsr_err *err)
{
    uint32_t len = (uint32_t)cv->blob.len + XSR_XL2_EMU_HDR_LEN;
    uint8_t hdr[XSR_XL2_EMU_HDR_LEN];

    emu_hdr(cv->blob_id, hdr);
    if (out_aside_keys(cv, err) ||
        out_xl2_rec(cv, XSR_XL2_EMULATOR_CONTEXT, len, err) ||
        xsr_flow_put(&cv->flow, hdr, sizeof hdr, err) ||
        xsr_flow_put(&cv->flow, cv->blob.p, cv->blob.len, err))
        return -1;
    return xsr_flow_put(&cv->flow, zero, xsr_xl2_pad(len), err);
}

static int put_to_xenserver(struct cv *cv, struct xsr_err *err)
{
    if (cv->blob.len > XSR_MAX_XAPI_QEMU)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "the device state has %zu bytes, and XenServer reads "
                        "no more than %u",
                        cv->blob.len, XSR_MAX_XAPI_QEMU);
    if (out_xapi_hdr(cv, XSR_XAPI_QEMU, (uint32_t)cv->blob.len, err))
        return -1;
    return xsr_flow_put(&cv->flow, cv->blob.p, cv->blob.len, err);
}

/* A bare image: with libxl's sub-header, so that it can be put in again. */
static int put_aside(struct cv *cv, struct xsr_err *err)
{
    struct xsr_buf part = XSR_BUF_INIT;
    uint8_t hdr[XSR_XL2_EMU_HDR_LEN];
    int rc;

    emu_hdr(cv->blob_id, hdr);
    rc = xsr_buf_put(&part, hdr, sizeof hdr, err);
    if (rc == 0)
        rc = xsr_buf_put(&part, cv->blob.p, cv->blob.len, err);
    if (rc == 0)
        rc = xsr_parts_leave_bytes(&cv->p->parts, XSR_PART_EMULATOR, part.p,
                                   part.len, cv->flow.in_at - cv->blob.len,
                                   "a libxc image has no record for the device "
                                   "model's state, without which an HVM guest "
                                   "cannot be restored",
                                   err);
    xsr_buf_fini(&part);
    return rc;
}

int out_blob(struct cv *cv, struct xsr_err *err)
{
    if (judge_id(cv, err) || fix_piix4acpi(cv, err))
        return -1;
    cv->have_emulator = true;
    cv->blob_waits = false;
    cv->report->emulator_len = cv->blob.len;
    cv->report->emulator_id = cv->blob_id;
    if (cv_to_libxl(cv))
        return put_to_libxl(cv, err);
    if (cv->to == XSR_FORMAT_XENSERVER)
        return put_to_xenserver(cv, err);
    return put_aside(cv, err);
}

/* Too long to be looked into. */
static int pass_through(struct cv *cv, uint32_t id, uint64_t n,
                        struct xsr_err *err)
{
    uint32_t len = (uint32_t)n + XSR_XL2_EMU_HDR_LEN;
    uint8_t hdr[XSR_XL2_EMU_HDR_LEN];

    if (cv->p->piix4acpi != XSR_FIX_OFF || !cv_to_libxl(cv)) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "the device state has %llu bytes; more than %u are passed on "
                 "from libxl to libxl, and not otherwise converted",
                 (unsigned long long)n, CV_MAX_BLOB);
        return xsr_err_at(err, cv->flow.in_at);
    }
    emu_hdr(id, hdr);
    cv->have_emulator = true;
    cv->report->emulator_len = n;
    cv->report->emulator_id = id;
    if (out_xl2_rec(cv, XSR_XL2_EMULATOR_CONTEXT, len, err) ||
        xsr_flow_put(&cv->flow, hdr, sizeof hdr, err) ||
        xsr_flow_keep(&cv->flow, n, "EMULATOR_CONTEXT", err))
        return -1;
    return xsr_flow_put(&cv->flow, zero, xsr_xl2_pad(len), err);
}

int out_emulator(struct cv *cv, uint32_t id, uint64_t n, struct xsr_err *err)
{
    if (n > CV_MAX_BLOB)
        return pass_through(cv, id, n, err);
    xsr_buf_clear(&cv->blob);
    cv->blob_id = id;
    if (xsr_flow_take(&cv->flow, n, &cv->blob, "the device state", err))
        return -1;
    /* XenServer's writer puts it last */
    if (cv->to == XSR_FORMAT_XENSERVER) {
        cv->have_emulator = cv->blob_waits = true;
        return 0;
    }
    return out_blob(cv, err);
}

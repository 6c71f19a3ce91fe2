/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The small chunks of a body, and the signature in front of QEMU's state. Each
 * get takes a cursor over the chunk's payload, whose length follows from its
 * id or from max_id.
 */
#include "stream/legacy/legacy.h"

#include "lib/util.h"

int xsr_lg_vcpu_map_len(int32_t max_id, size_t *len_out, struct xsr_err *err)
{
    if (max_id < 0 || max_id > XSR_LG_MAX_VCPU_ID)
        return xsr_fail(err, XSR_E_FORMAT,
                        "chunk vCPUs: found the highest id %d, allowed 0 to "
                        "%d",
                        max_id, XSR_LG_MAX_VCPU_ID);
    *len_out = ((size_t)max_id / 64 + 1) * 8;
    return 0;
}

int xsr_lg_get_vcpus(struct xsr_cur *cur, int32_t max_id,
                     struct xsr_lg_vcpus *out, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), beyond;
    uint32_t last = (uint32_t)max_id / 64;

    memset(out, 0, sizeof *out);
    out->max_id = max_id;
    for (uint32_t i = 0; i <= last; i++) {
        if (xsr_get_u64(cur, &out->word[i], "map of online vCPUs", err))
            return -1;
        out->n += (uint32_t)__builtin_popcountll(out->word[i]);
    }
    beyond = max_id % 64 == 63 ? 0 : out->word[last] >> (max_id % 64 + 1);
    if (beyond)
        xsr_fail(err, XSR_E_FORMAT,
                 "chunk vCPUs: found vCPU %u online, allowed up to %d, the "
                 "highest id",
                 (uint32_t)(max_id + 1 + __builtin_ctzll(beyond)), max_id);
    else if (!out->n)
        xsr_fail(err, XSR_E_FORMAT,
                 "chunk vCPUs: found no vCPU online, at least one must be");
    else
        return 0;
    return xsr_err_at(err, at + 8ull * last);
}

int xsr_lg_get_tsc(struct xsr_cur *cur, struct xsr_tsc_info *out,
                   struct xsr_err *err)
{
    if (xsr_get_u32(cur, &out->mode, "TSC mode", err) ||
        xsr_get_u64(cur, &out->nsec, "TSC nanoseconds", err) ||
        xsr_get_u32(cur, &out->khz, "TSC frequency", err) ||
        xsr_get_u32(cur, &out->incarnation, "TSC incarnation", err))
        return -1;
    return 0;
}

int xsr_lg_get_param(struct xsr_cur *cur, uint64_t *value_out,
                     struct xsr_err *err)
{
    uint32_t unused; /* alignment, 0 from every saver, read by none */

    if (xsr_get_u32(cur, &unused, "HVM parameter", err) ||
        xsr_get_u64(cur, value_out, "value of an HVM parameter", err))
        return -1;
    return 0;
}

int xsr_lg_get_qemu(const uint8_t *sig, enum xsr_lg_qemu *out,
                    struct xsr_err *err)
{
    static const struct {
        char sig[XSR_LG_QEMU_SIG + 1];
        enum xsr_lg_qemu form;
    } known[] = {
        {"QemuDeviceModelRecord", XSR_LG_QEMU_TO_END}, /* xend, libxl 4.0 */
        {"DeviceModelRecord0002", XSR_LG_QEMU_LE},     /* libxl 4.1 to 4.5 */
        {"RemusDeviceModelState", XSR_LG_QEMU_LE},     /* xend's Remus */
    };
    char shown[96];

    for (size_t i = 0; i < XSR_ARRAY_LEN(known); i++) {
        if (memcmp(sig, known[i].sig, XSR_LG_QEMU_SIG) != 0)
            continue;
        *out = known[i].form;
        return 0;
    }
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "QEMU record: found signature \"%s\", allowed "
                    "DeviceModelRecord0002, QemuDeviceModelRecord, "
                    "RemusDeviceModelState",
                    xsr_err_quote(sig, XSR_LG_QEMU_SIG, shown, sizeof shown));
}

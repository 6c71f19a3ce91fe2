/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The headers of a core file: ELF header, program headers, notes. Each run of
 * pages is a segment whose virtual and physical address is guest-physical, so
 * gdb reads memory by physical addresses and crash finds its page tables. Each
 * vCPU has NT_PRSTATUS and NT_FPREGSET, and the note that QEMU writes, with the
 * control registers from which crash starts. How many segments there will be
 * is known only at the end: room for all of them is a hole in the file.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/hvmctx.h"
#include "tools/inspect/pages.h"
#include "tools/inspect/report.h"

/* A segment's number is 16 bits wide; the first is the notes'. */
#define MAX_SEGMENTS 65000u
#define NOTES_AT     (4u << 20)  /* behind 64 + 65001 * 56 bytes of headers */
#define MEMORY_AT    (16u << 20) /* behind 8192 vCPUs of 1,360 bytes */

#define PRSTATUS_LEN 336u
#define PRSTATUS_PID 32u
#define PRSTATUS_REG 112u
#define FPREGS_LEN   512u
#define QEMU_LEN     440u

/* Where a register is: in the note's array of 27, and in the guest's state. */
struct place {
    uint8_t reg, width;
    uint16_t at;
};
enum {
    R15,
    R14,
    R13,
    R12,
    RBP,
    RBX,
    R11,
    R10,
    R9,
    R8,
    RAX,
    RCX,
    RDX,
    RSI,
    RDI,
    ORIG_RAX,
    RIP,
    CS,
    EFLAGS,
    RSP,
    SS,
    FS_BASE,
    GS_BASE,
    DS,
    ES,
    FS,
    GS
};

static const struct place hvm_places[] = {
    {RAX, 8, 512},     {RBX, 8, 520},     {RCX, 8, 528}, {RDX, 8, 536},
    {RBP, 8, 544},     {RSI, 8, 552},     {RDI, 8, 560}, {RSP, 8, 568},
    {R8, 8, 576},      {R9, 8, 584},      {R10, 8, 592}, {R11, 8, 600},
    {R12, 8, 608},     {R13, 8, 616},     {R14, 8, 624}, {R15, 8, 632},
    {RIP, 8, 640},     {EFLAGS, 8, 648},  {CS, 4, 736},  {DS, 4, 740},
    {ES, 4, 744},      {FS, 4, 748},      {GS, 4, 752},  {SS, 4, 756},
    {FS_BASE, 8, 832}, {GS_BASE, 8, 840},
};
static const struct place pv64_places[] = {
    {R15, 8, 520},      {R14, 8, 528},      {R13, 8, 536}, {R12, 8, 544},
    {RBP, 8, 552},      {RBX, 8, 560},      {R11, 8, 568}, {R10, 8, 576},
    {R9, 8, 584},       {R8, 8, 592},       {RAX, 8, 600}, {RCX, 8, 608},
    {RDX, 8, 616},      {RSI, 8, 624},      {RDI, 8, 632}, {RIP, 8, 648},
    {CS, 2, 656},       {EFLAGS, 8, 664},   {RSP, 8, 672}, {SS, 2, 680},
    {ES, 2, 688},       {DS, 2, 696},       {FS, 2, 704},  {GS, 2, 712},
    {FS_BASE, 8, 5144}, {GS_BASE, 8, 5160},
};
static const struct place pv32_places[] = {
    {RBX, 4, 516}, {RCX, 4, 520},    {RDX, 4, 524}, {RSI, 4, 528},
    {RDI, 4, 532}, {RBP, 4, 536},    {RAX, 4, 540}, {RIP, 4, 548},
    {CS, 2, 552},  {EFLAGS, 4, 556}, {RSP, 4, 560}, {SS, 2, 564},
    {ES, 2, 568},  {DS, 2, 572},     {FS, 2, 576},  {GS, 2, 580},
};

struct vcpu {
    uint32_t id;
    uint8_t prstatus[PRSTATUS_LEN], fpregs[FPREGS_LEN], qemu[QEMU_LEN];
};
struct state {
    struct vcpu *vcpu;
    size_t n;
};
struct insp_core {
    struct state now, next; /* next: taken, not yet committed */
};

struct insp_core *insp_core_new(struct xsr_err *err)
{
    struct insp_core *c = calloc(1, sizeof *c);

    if (!c)
        xsr_fail(err, XSR_E_NOMEM, "no memory for a core's headers");
    return c;
}

void insp_core_free(struct insp_core *c)
{
    if (!c)
        return;
    free(c->now.vcpu);
    free(c->next.vcpu);
    free(c);
}

size_t insp_core_vcpus(const struct insp_core *c)
{
    return c->now.n;
}

uint64_t insp_core_memory_at(void)
{
    return MEMORY_AT;
}

void insp_core_commit(struct insp_core *c)
{
    if (!c->next.n)
        return;
    free(c->now.vcpu);
    c->now = c->next;
    c->next = (struct state){NULL, 0};
}

/* ---- registers
 * --------------------------------------------------------------- */

static struct vcpu *add_vcpu(struct state *s, uint32_t id, struct xsr_err *err)
{
    struct vcpu *vcpu;

    for (size_t i = 0; i < s->n; i++)
        if (s->vcpu[i].id == id)
            return &s->vcpu[i];
    vcpu = realloc(s->vcpu, (s->n + 1) * sizeof *vcpu);
    if (!vcpu) {
        xsr_fail(err, XSR_E_NOMEM, "no memory for registers of vCPU %u", id);
        return NULL;
    }
    s->vcpu = vcpu;
    vcpu = &s->vcpu[s->n++];
    memset(vcpu, 0, sizeof *vcpu);
    vcpu->id = id;
    return vcpu;
}

static void copy_registers(struct vcpu *v, const uint8_t *p,
                           const struct place *place, size_t n)
{
    xsr_st_le32(v->prstatus + PRSTATUS_PID, v->id + 1);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *from = p + place[i].at;

        xsr_st_le64(v->prstatus + PRSTATUS_REG + 8 * place[i].reg,
                    place[i].width == 8   ? xsr_le64(from)
                    : place[i].width == 4 ? xsr_le32(from)
                                          : xsr_le16(from));
    }
    xsr_st_le32(v->prstatus + 328, 1); /* there is an NT_FPREGSET */
    memcpy(v->fpregs, p, FPREGS_LEN);
}

/* General registers in the order of QEMU's note, which is another one. */
static void begin_qemu(struct vcpu *v)
{
    static const uint8_t order[] = {RAX, RBX, RCX, RDX, RSI, RDI,
                                    RSP, RBP, R8,  R9,  R10, R11,
                                    R12, R13, R14, R15, RIP, EFLAGS};

    xsr_st_le32(v->qemu, 1); /* version */
    xsr_st_le32(v->qemu + 4, QEMU_LEN);
    for (size_t i = 0; i < sizeof order; i++)
        memcpy(v->qemu + 8 + 8 * i, v->prstatus + PRSTATUS_REG + 8 * order[i],
               8);
}

/* Xen packs a segment's attributes, QEMU leaves them where a descriptor has
 * them. */
static void put_segment(struct vcpu *v, unsigned i, uint32_t selector,
                        uint32_t limit, uint32_t attributes, uint64_t base)
{
    uint8_t *p = v->qemu + 152 + 24 * (size_t)i;

    xsr_st_le32(p, selector);
    xsr_st_le32(p + 4, limit);
    xsr_st_le32(p + 8, (attributes & 0xff) << 8 | (attributes & 0xf00) << 12);
    xsr_st_le64(p + 16, base);
}

static void put_control(struct vcpu *v, uint64_t cr0, uint64_t cr2,
                        uint64_t cr3, uint64_t cr4, uint64_t kernel_gs)
{
    uint64_t value[6] = {cr0, 0, cr2, cr3, cr4, kernel_gs};

    for (unsigned i = 0; i < 6; i++)
        xsr_st_le64(v->qemu + 392 + 8 * (size_t)i, value[i]);
}

static int take_hvm_cpu(struct state *s, const struct xsr_hvmctx_entry *e,
                        struct xsr_err *err)
{
    /* cs ds es fs gs ss ldt tr; in Xen's structure tr stands before ldtr */
    static const uint8_t order[] = {0, 1, 2, 3, 4, 5, 7, 6};
    struct vcpu *v = add_vcpu(s, e->instance, err);
    const uint8_t *p = e->body;

    if (!v)
        return -1;
    copy_registers(v, p, hvm_places, XSR_ARRAY_LEN(hvm_places));
    begin_qemu(v);
    for (unsigned i = 0; i < sizeof order; i++) {
        size_t from = order[i];

        put_segment(v, i, xsr_le32(p + 736 + 4 * from),
                    xsr_le32(p + 768 + 4 * from), xsr_le32(p + 888 + 4 * from),
                    xsr_le64(p + 808 + 8 * from));
    }
    put_segment(v, 8, 0, xsr_le32(p + 804), 0, xsr_le64(p + 880)); /* gdt */
    put_segment(v, 9, 0, xsr_le32(p + 800), 0, xsr_le64(p + 872)); /* idt */
    put_control(v, xsr_le64(p + 656), xsr_le64(p + 664), xsr_le64(p + 672),
                xsr_le64(p + 680), xsr_le64(p + 944));
    return 0;
}

static int take_hvm(struct insp_core *c, const struct insp_row *row,
                    struct xsr_err *err)
{
    struct xsr_hvmctx_entry e;
    struct xsr_cur cur;
    int more;

    xsr_cur_init(&cur, row->body, row->body_len, row->body_at);
    while ((more = xsr_hvmctx_next(&cur, &e, err)) > 0)
        if (e.typecode == 2 && take_hvm_cpu(&c->next, &e, err))
            return -1;
    return more;
}

static int take_pv(struct insp_core *c, uint8_t width,
                   const struct insp_row *row, struct xsr_err *err)
{
    struct xsr_vcpu_blob blob;
    struct xsr_cur cur;
    const uint8_t *p;
    struct vcpu *v;

    xsr_cur_init(&cur, row->body, row->body_len, row->body_at);
    if (xsr_blob_get_vcpu(&cur, row->type, width, &blob, err))
        return -1;
    p = blob.blob;
    if (!p)
        return 0;
    v = add_vcpu(&c->next, blob.vcpu_id, err);
    if (!v)
        return -1;
    if (width == 8)
        copy_registers(v, p, pv64_places, XSR_ARRAY_LEN(pv64_places));
    else
        copy_registers(v, p, pv32_places, XSR_ARRAY_LEN(pv32_places));
    begin_qemu(v);
    if (width == 8)
        put_control(v, xsr_le64(p + 4984), xsr_le64(p + 5000),
                    xsr_le64(p + 5008), xsr_le64(p + 5016), xsr_le64(p + 5152));
    else
        put_control(v, xsr_le32(p + 2716), xsr_le32(p + 2724),
                    xsr_le32(p + 2728), xsr_le32(p + 2732), 0);
    return 0;
}

int insp_core_take(struct insp_core *c, const struct insp *w,
                   const struct insp_row *row, struct xsr_err *err)
{
    if (row->type == XSR_XC3_HVM_CONTEXT)
        return take_hvm(c, row, err);
    if (row->type == XSR_XC3_X86_PV_VCPU_BASIC)
        return take_pv(c, w->width, row, err);
    return 0;
}

/* ---- segments
 * ----------------------------------------------------------------- */

/*
 * No alignment, as in QEMU's own cores: crash takes a core with one for an old
 * netdump, in which it does not look at the segments.
 */
static int put_phdr(struct xsr_buf *out, uint32_t type, uint32_t flags,
                    uint64_t at, uint64_t address, uint64_t len,
                    struct xsr_err *err)
{
    return xsr_buf_put_u32(out, type, err) ||
                   xsr_buf_put_u32(out, flags, err) ||
                   xsr_buf_put_u64(out, at, err) ||
                   xsr_buf_put_u64(out, address, err) ||
                   xsr_buf_put_u64(out, address, err) ||
                   xsr_buf_put_u64(out, len, err) ||
                   xsr_buf_put_u64(out, type == PT_LOAD ? len : 0, err) ||
                   xsr_buf_put_u64(out, 0, err)
               ? -1
               : 0;
}

static int put_segment_of(struct xsr_buf *out, uint64_t first, uint64_t end,
                          struct xsr_err *err)
{
    return put_phdr(out, PT_LOAD, PF_R | PF_W | PF_X,
                    MEMORY_AT + first * XSR_PAGE_SIZE, first * XSR_PAGE_SIZE,
                    (end - first) * XSR_PAGE_SIZE, err);
}

/*
 * Runs of pages, those less than gap apart taken as one: what is between is a
 * hole in the file and reads as zero.
 */
static int put_segments(struct xsr_buf *out, struct insp_index *index,
                        uint64_t gap, uint64_t *n_out, struct xsr_err *err)
{
    uint64_t first = 0, end = 0;
    struct insp_page page;
    int more;

    *n_out = 0;
    if (insp_index_rewind(index, err))
        return -1;
    while ((more = insp_index_next(index, &page, err)) > 0) {
        if (end && page.pfn - end < gap) {
            end = page.pfn + 1;
            continue;
        }
        if (end && ++*n_out <= MAX_SEGMENTS &&
            put_segment_of(out, first, end, err))
            return -1;
        first = page.pfn;
        end = page.pfn + 1;
    }
    if (!more && end && ++*n_out <= MAX_SEGMENTS)
        more = put_segment_of(out, first, end, err);
    return more;
}

/* ---- notes
 * ---------------------------------------------------------------------- */

static int put_note(struct xsr_buf *out, const char *name, uint32_t type,
                    const uint8_t *desc, uint32_t len, struct xsr_err *err)
{
    uint32_t name_len = (uint32_t)strlen(name) + 1;

    /* lengths of what is described are multiples of 4 */
    return xsr_buf_put_u32(out, name_len, err) ||
                   xsr_buf_put_u32(out, len, err) ||
                   xsr_buf_put_u32(out, type, err) ||
                   xsr_buf_put(out, name, name_len, err) ||
                   xsr_buf_put_zero(out, (4 - name_len % 4) % 4, err) ||
                   xsr_buf_put(out, desc, len, err)
               ? -1
               : 0;
}

static int put_notes(struct xsr_buf *out, const struct state *s,
                     struct xsr_err *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (put_note(out, "CORE", NT_PRSTATUS, s->vcpu[i].prstatus,
                     PRSTATUS_LEN, err) ||
            put_note(out, "CORE", NT_FPREGSET, s->vcpu[i].fpregs, FPREGS_LEN,
                     err))
            return -1;
    for (size_t i = 0; i < s->n; i++)
        if (put_note(out, "QEMU", 0, s->vcpu[i].qemu, QEMU_LEN, err))
            return -1;
    return 0;
}

/* ---- the file
 * -------------------------------------------------------------------- */

static int put_header(struct xsr_buf *out, uint64_t n_segments,
                      struct xsr_err *err)
{
    uint8_t h[64] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};

    xsr_st_le16(h + 16, ET_CORE);
    xsr_st_le16(h + 18, EM_X86_64);
    xsr_st_le32(h + 20, EV_CURRENT);
    xsr_st_le64(h + 32, sizeof h); /* program headers follow */
    xsr_st_le16(h + 52, sizeof h);
    xsr_st_le16(h + 54, sizeof(Elf64_Phdr));
    xsr_st_le16(h + 56, (uint16_t)(n_segments + 1));
    return xsr_buf_put(out, h, sizeof h, err);
}

static int write_part(int fd, const struct xsr_buf *part, uint64_t at,
                      struct xsr_err *err)
{
    if (lseek(fd, (off_t)at, SEEK_SET) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "writing a core's headers");
    return xsr_write_all(fd, part->p, part->len, "a core's headers", err);
}

int insp_core_write(struct insp_core *c, int fd, struct insp_index *index,
                    struct xsr_err *err)
{
    struct xsr_buf head = XSR_BUF_INIT, notes = XSR_BUF_INIT;
    struct xsr_buf segments = XSR_BUF_INIT;
    uint64_t n = MAX_SEGMENTS + 1;
    int rc = 0;

    for (uint64_t gap = 1; !rc && n > MAX_SEGMENTS; gap *= 2) {
        xsr_buf_clear(&segments);
        rc = put_segments(&segments, index, gap, &n, err);
    }
    if (!rc)
        rc = put_notes(&notes, &c->now, err);
    if (!rc)
        rc = put_header(&head, n, err) ||
                     put_phdr(&head, PT_NOTE, 0, NOTES_AT, 0, notes.len, err) ||
                     xsr_buf_put(&head, segments.p, segments.len, err) ||
                     write_part(fd, &head, 0, err) ||
                     write_part(fd, &notes, NOTES_AT, err)
                 ? -1
                 : 0;
    xsr_buf_fini(&head);
    xsr_buf_fini(&notes);
    xsr_buf_fini(&segments);
    return rc;
}

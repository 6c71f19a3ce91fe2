/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe [TOPIC...]: asks the questions of these topics, or all (probe.h says
 * why). One line an answer, on standard output:
 *
 *     memory/pvh: a hole is mapped: EINVAL
 *
 * What the topics share is here and in domain.c. A question that cannot be put
 * because its domain cannot be made ends the program with 1.
 */
#include <stdarg.h>

#include "probe.h"

#define SCRATCH_PAGES 80u

xc_interface *xch;
xenforeignmemory_handle *fmem;

static xencall_handle *calls;
static uint8_t *arena;
static size_t arena_used;
static const char *const kind_names[N_KINDS] = {"pv", "pvh", "hvm"};
static char prefix[32];

/* ---- answers ------------------------------------------------------------- */

void about(const char *topic, int kind)
{
    snprintf(prefix, sizeof(prefix), "%s%s%s", topic, kind < 0 ? "" : "/",
             kind < 0 ? "" : kind_names[kind]);
}

void said(const char *question, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    printf("%s: %s: %s\n", prefix, question, text);
    fflush(stdout);
}

void gave(const char *question, long rc)
{
    if (rc < 0)
        said(question, "%s", errno_name(errno));
    else
        said(question, "%ld", rc);
}

const char *errno_name(int e)
{
    static const struct {
        int e;
        const char *name;
    } names[] = {
        {EPERM, "EPERM"},         {ENOENT, "ENOENT"},
        {ESRCH, "ESRCH"},         {EIO, "EIO"},
        {ENXIO, "ENXIO"},         {E2BIG, "E2BIG"},
        {EAGAIN, "EAGAIN"},       {ENOMEM, "ENOMEM"},
        {EACCES, "EACCES"},       {EFAULT, "EFAULT"},
        {EBUSY, "EBUSY"},         {EEXIST, "EEXIST"},
        {EXDEV, "EXDEV"},         {ENODEV, "ENODEV"},
        {EISDIR, "EISDIR"},       {EINVAL, "EINVAL"},
        {ENOSPC, "ENOSPC"},       {EROFS, "EROFS"},
        {ERANGE, "ERANGE"},       {ENOSYS, "ENOSYS"},
        {ENOTEMPTY, "ENOTEMPTY"}, {ENODATA, "ENODATA"},
        {EOVERFLOW, "EOVERFLOW"}, {EOPNOTSUPP, "EOPNOTSUPP"},
        {ENOBUFS, "ENOBUFS"},     {EISCONN, "EISCONN"},
        {EILSEQ, "EILSEQ"},       {ETIMEDOUT, "ETIMEDOUT"},
    };
    static char number[24];
    size_t i;

    for (i = 0; i < COUNT_OF(names); i++)
        if (names[i].e == e)
            return names[i].name;
    snprintf(number, sizeof(number), "errno %d", e);
    return number;
}

/* ---- calls --------------------------------------------------------------- */

void *scratch(size_t n)
{
    uint8_t *p = arena + arena_used;

    n = (n + 15) & ~(size_t)15;
    if (arena_used + n > (size_t)SCRATCH_PAGES * PAGE) {
        fprintf(stderr, "probe: a question needs more memory than there is\n");
        exit(1);
    }
    arena_used += n;
    memset(p, 0, n);
    return p;
}

void clear_scratch(void)
{
    arena_used = 0;
}

long domctl(uint32_t cmd, uint32_t domid, struct xen_domctl *op)
{
    struct xen_domctl *copy = scratch(sizeof(*copy));
    long rc;

    *copy = *op;
    copy->cmd = cmd;
    copy->domain = (domid_t)domid;
    copy->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    rc = xencall1(calls, __HYPERVISOR_domctl, (uintptr_t)copy);
    *op = *copy;
    return rc;
}

static long call2(unsigned op, unsigned cmd, void *arg, size_t len)
{
    void *copy = arg ? scratch(len) : NULL;
    long rc;

    if (arg)
        memcpy(copy, arg, len);
    rc = xencall2(calls, op, cmd, (uintptr_t)copy);
    if (arg)
        memcpy(arg, copy, len);
    return rc;
}

long memory_op(unsigned cmd, void *arg, size_t len)
{
    return call2(__HYPERVISOR_memory_op, cmd, arg, len);
}

long evtchn_op(unsigned cmd, void *arg, size_t len)
{
    return call2(__HYPERVISOR_event_channel_op, cmd, arg, len);
}

long mmuext(uint32_t domid, unsigned cmd, uint64_t mfn)
{
    struct mmuext_op *op = scratch(sizeof(*op));

    op->cmd = cmd;
    op->arg1.mfn = mfn;
    return xencall4(calls, __HYPERVISOR_mmuext_op, (uintptr_t)op, 1, 0, domid);
}

long mmu_update(uint32_t domid, uint64_t ptr, uint64_t value)
{
    struct mmu_update *u = scratch(sizeof(*u));

    u->ptr = ptr;
    u->val = value;
    return xencall4(calls, __HYPERVISOR_mmu_update, (uintptr_t)u, 1, 0, domid);
}

/* ---- topics -------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*ask)(void);
} topics[] = {
    {"create", ask_create},
    {"life", ask_life},
    {"dying", ask_dying},
    {"memory", ask_memory},
    {"tables", ask_tables},
    {"logdirty", ask_logdirty},
    {"hvm", ask_hvm},
    {"context", ask_context},
    {"vcpus", ask_vcpus},
    {"policy", ask_policy},
    {"ports", ask_ports},
    {"store", ask_store},
    {"transactions", ask_transactions},
};

static bool wanted(const char *name, int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    size_t i;

    xch = xc_interface_open(NULL, NULL, 0);
    fmem = xenforeignmemory_open(NULL, 0);
    calls = xencall_open(NULL, 0);
    if (!xch || !fmem || !calls) {
        perror("probe: opening the hypervisor");
        return 1;
    }
    arena = xencall_alloc_buffer_pages(calls, SCRATCH_PAGES);
    if (!arena) {
        perror("probe: memory for hypercalls");
        return 1;
    }
    for (i = 0; i < COUNT_OF(topics); i++)
        if (wanted(topics[i].name, argc, argv))
            topics[i].ask();
    xencall_free_buffer_pages(calls, arena, SCRATCH_PAGES);
    xencall_close(calls);
    xenforeignmemory_close(fmem);
    xc_interface_close(xch);
    return 0;
}

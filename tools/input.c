/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens the input of a command. The first bytes decide whether a decompressor
 * is put in between: a forked child of ours with exactly three descriptors
 * (0 source, 1 data, 2 report). Its last words travel through the report pipe
 * *before* the data pipe ends, so whoever saw the end of the data can rely on
 * finding them. Comes before everything that reads a stream in tools/.
 */
#include "tools/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fs.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "lib/bytes.h"
#include "lib/fd.h"
#include "lib/proc.h"
#include "lib/util.h"
#include "stream/limits.h"

#define ZSTD_FRAME_MAGIC 0xfd2fb528u
#define ZSTD_SKIPPABLE   0x184d2a50u /* low four bits are free */
#define IN_CHUNK         (256u << 10)
#define OUT_CHUNK        (1u << 20)
#define END_WAIT_MS      2000 /* for the checksum behind the data */

static bool is_zstd(const uint8_t *p, size_t n)
{
    uint32_t magic;

    if (n < 4)
        return false;
    magic = xsr_le32(p);
    return magic == ZSTD_FRAME_MAGIC || (magic & ~15u) == ZSTD_SKIPPABLE;
}

/* ---- in the child -------------------------------------------------------- */

/* As it is in memory: the parent is the same program, and no pipe tears it. */
static void report(const struct xsr_err *err)
{
    ssize_t r = write(2, err, sizeof *err);

    (void)r; /* nobody is left who could be told */
}

static int judge(size_t result, struct xsr_err *err)
{
    if (!ZSTD_isError(result))
        return 0;
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "the zstd data needs a window of more than 128 MiB, "
                        "compress it with --long=27 or less");
    return xsr_fail(err, XSR_E_FORMAT, "the zstd data is damaged: %s",
                    ZSTD_getErrorName(result));
}

/* 0: all of the source was whole frames. */
static int unpack(ZSTD_DStream *ds, ZSTD_inBuffer *in, uint8_t *in_mem,
                  uint8_t *out_mem, struct xsr_err *err)
{
    size_t left = 0, got;
    bool full = false; /* the last call may have more to give */

    for (;;) {
        ZSTD_outBuffer out = {out_mem, OUT_CHUNK, 0};

        if (in->pos == in->size && !full) {
            if (xsr_read_upto(0, in_mem, IN_CHUNK, &got, "compressed input",
                              err))
                return -1;
            if (!got)
                break;
            *in = (ZSTD_inBuffer){in_mem, got, 0};
        }
        left = ZSTD_decompressStream(ds, &out, in);
        if (judge(left, err))
            return -1;
        full = left && out.pos == out.size;
        if (xsr_write_all(1, out_mem, out.pos, "unpacked data", err))
            return -1;
    }
    if (left)
        return xsr_fail(err, XSR_E_FORMAT,
                        "the zstd data ends inside a frame: the file was cut "
                        "off");
    return 0;
}

static void keep_three_fds(int source, int data, int words)
{
    int a, b, c;

    /* Out of the way first: any of them may be 0, 1 or 2 already. */
    a = fcntl(source, F_DUPFD, 10);
    b = fcntl(data, F_DUPFD, 10);
    c = fcntl(words, F_DUPFD, 10);
    if (a < 0 || b < 0 || c < 0 || dup2(a, 0) < 0 || dup2(b, 1) < 0 ||
        dup2(c, 2) < 0)
        _exit(126);
    xsr_close_fds(3, ~0u);
}

static void __attribute__((noreturn))
run_child(int source, int data, int words, const uint8_t *head, size_t n_head,
          pid_t parent)
{
    static const int plain[] = {SIGPIPE, SIGTERM, SIGQUIT};
    /* The terminal's go to the parent too, which undoes and then ends us. */
    static const int parents[] = {SIGINT, SIGHUP};
    struct xsr_err err = XSR_ERR_INIT;
    ZSTD_inBuffer in = {head, n_head, 0};
    uint8_t *in_mem, *out_mem;
    ZSTD_DStream *ds;
    sigset_t none;

    for (size_t i = 0; i < XSR_ARRAY_LEN(plain); i++)
        signal(plain[i], SIG_DFL);
    for (size_t i = 0; i < XSR_ARRAY_LEN(parents); i++)
        signal(parents[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    xsr_fd_set_stop_flag(NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    keep_three_fds(source, data, words);
    ds = ZSTD_createDStream();
    in_mem = malloc(IN_CHUNK);
    out_mem = malloc(OUT_CHUNK);
    if (!ds || !in_mem || !out_mem)
        xsr_fail(&err, XSR_E_NOMEM, "no memory to unpack the zstd data");
    else
        unpack(ds, &in, in_mem, out_mem, &err);
    if (err.kind != XSR_E_OK)
        report(&err);
    _exit(err.kind != XSR_E_OK);
}

/* ---- in the parent ------------------------------------------------------- */

static int start_unpacking(struct xsr_input *in, const uint8_t *head,
                           size_t n_head, struct xsr_err *err)
{
    pid_t self = getpid();
    int data[2], report[2];

    if (xsr_pipe(data, err))
        return -1;
    if (xsr_pipe(report, err)) {
        xsr_close(&data[0]);
        xsr_close(&data[1]);
        return -1;
    }
    xsr_grow_pipe(data[1], OUT_CHUNK);
    in->pid = fork();
    if (in->pid == 0)
        run_child(in->source, data[1], report[1], head, n_head, self);
    if (in->pid < 0)
        xsr_fail_sys(err, XSR_E_IO, errno, "starting the decompressor");
    xsr_close(&data[1]);
    xsr_close(&report[1]);
    if (in->pid < 0) {
        xsr_close(&data[0]);
        xsr_close(&report[0]);
        return -1;
    }
    in->fd = data[0];
    in->report = report[0];
    in->zstd = true;
    return 0;
}

/* Learn kind and size of the source; true if it can be rewound. */
static bool measure(struct xsr_input *in)
{
    struct stat st;
    uint64_t total;
    off_t pos;

    if (fstat(in->source, &st))
        return false;
    if (S_ISREG(st.st_mode))
        total = (uint64_t)st.st_size;
    else if (!S_ISBLK(st.st_mode) || ioctl(in->source, BLKGETSIZE64, &total))
        return false;
    pos = lseek(in->source, 0, SEEK_CUR);
    if (pos < 0)
        return false;
    in->start = (uint64_t)pos;
    in->size = total > in->start ? total - in->start : 0;
    return true;
}

static int open_source(struct xsr_input *in, const char *path,
                       struct xsr_err *err)
{
    struct stat st;

    if (!strcmp(path, "-")) {
        snprintf(in->name, sizeof in->name, "standard input");
        in->source = fcntl(0, F_DUPFD_CLOEXEC, 3);
    } else {
        xsr_err_quote(path, strlen(path), in->name, sizeof in->name);
        in->source = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    }
    if (in->source < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open %s", in->name);
    if (!fstat(in->source, &st) && S_ISDIR(st.st_mode))
        return xsr_fail_sys(err, XSR_E_IO, EISDIR, "cannot read %s", in->name);
    if (isatty(in->source))
        return xsr_fail(err, XSR_E_IO, "%s is a terminal, not an image",
                        in->name);
    return 0;
}

static int look(struct xsr_input *in, struct xsr_err *err)
{
    bool rewinds = measure(in);
    uint8_t head[sizeof in->head];
    size_t n_head;

    if (xsr_read_upto(in->source, head, sizeof head, &n_head, in->name, err))
        return -1;
    if (is_zstd(head, n_head))
        return start_unpacking(in, head, n_head, err);
    if (rewinds && lseek(in->source, (off_t)in->start, SEEK_SET) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "rewinding %s", in->name);
    in->seekable = rewinds;
    if (!rewinds) {
        memcpy(in->head, head, n_head);
        in->n_head = (uint32_t)n_head;
    }
    in->fd = in->source;
    return 0;
}

int xsr_input_open(struct xsr_input *in, const char *path, struct xsr_err *err)
{
    *in = (struct xsr_input)XSR_INPUT_INIT;
    if (!open_source(in, path, err) && !look(in, err))
        return 0;
    xsr_close(&in->source);
    return -1;
}

int64_t xsr_input_pos(const struct xsr_input *in)
{
    off_t pos;

    if (!in->size)
        return -1;
    pos = lseek(in->source, 0, SEEK_CUR);
    return pos < 0 ? -1 : (int64_t)((uint64_t)pos - in->start);
}

/* Has the child closed its end? Then its last words are there, or about to. */
static bool data_ended(const struct xsr_input *in)
{
    struct pollfd pfd = {.fd = in->fd, .events = POLLIN};

    return poll(&pfd, 1, 0) == 1 && !(pfd.revents & POLLIN);
}

/* The child's last words and its end. */
static int collect(struct xsr_input *in, bool wait, struct xsr_err *err)
{
    struct pollfd pfd = {.fd = in->report, .events = POLLIN};
    struct xsr_err words, unused = XSR_ERR_INIT;
    int status = 0, ends = 0;
    size_t n = 0;
    char how[80];

    if (wait)
        while ((ends = poll(&pfd, 1, END_WAIT_MS)) < 0 && errno == EINTR)
            continue;
    if (ends <= 0)
        kill(in->pid, SIGKILL);
    if (xsr_read_upto(in->report, &words, sizeof words, &n, "report", &unused))
        n = 0;
    xsr_close(&in->report);
    while (waitpid(in->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    in->pid = -1;
    if (n == sizeof words) {
        *err = words;
        return xsr_err_prefix(err, "%s", in->name);
    }
    /* not by us; SIGPIPE is for data that nobody wanted any more */
    if (ends > 0 && status != 0 &&
        !(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE))
        return xsr_fail(err, XSR_E_IO, "%s: the zstd decompressor %s", in->name,
                        xsr_status_str(status, how, sizeof how));
    return 0;
}

bool xsr_input_must_end(const struct xsr_input *in)
{
    struct stat st;

    return fstat(in->fd, &st) == 0 && !S_ISBLK(st.st_mode);
}

int xsr_input_close(struct xsr_input *in, bool success, struct xsr_err *err)
{
    bool wait = in->pid > 0 && (success || data_ended(in));
    int rc = 0;

    if (in->fd != in->source)
        xsr_close(&in->fd);
    in->fd = -1;
    if (in->pid > 0)
        rc = collect(in, wait, err);
    xsr_close(&in->source);
    return rc;
}

int xsr_input_read_config(const char *path, struct xsr_buf *out,
                          struct xsr_err *err)
{
    struct xsr_input in = XSR_INPUT_INIT;
    uint8_t bytes[4096];
    size_t n = sizeof(bytes);
    int rc;

    if (xsr_input_open(&in, path, err) < 0)
        return -1;
    rc = xsr_buf_put(out, in.head, in.n_head, err);
    while (rc == 0 && n == sizeof(bytes)) {
        rc = xsr_read_upto(in.fd, bytes, sizeof(bytes), &n, path, err);
        if (rc == 0)
            rc = xsr_buf_put(out, bytes, n, err);
        if (rc == 0 && out->len > XSR_MAX_XL_OPTIONAL)
            rc = xsr_fail(err, XSR_E_LIMIT,
                          "%s is larger than a configuration "
                          "may be (%u bytes)",
                          in.name, XSR_MAX_XL_OPTIONAL);
    }
    if (rc == 0)
        rc = xsr_buf_put_zero(out, 1, err);
    xsr_input_close(&in, false, &(struct xsr_err)XSR_ERR_INIT);
    return rc;
}

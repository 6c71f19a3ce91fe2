/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The QMP client: JSON objects, one a line, over a UNIX socket.
 *
 *   ask -> connect -> greeting -> qmp_capabilities -> the command -> on_done
 *   ask ->                                            the command -> on_done
 *
 * Called by plugin/save (stop, state, log-dirty, cont) and by whoever lets an
 * HVM domain run. What a device model says is judged like any input: an object
 * a line, of limited length; events and what nobody asked for are passed over.
 */
#include "plugin/emu/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

/* Answers to what we ask are below 1 KiB; a greeting and events too. */
#define MAX_LINE (256u << 10)
#define RETRY_MS 50u

static void on_deadline(void *ctx);

void xsr_qmp_init(struct xsr_qmp *q)
{
    memset(q, 0, sizeof(*q));
    q->fd = q->pass_fd = -1;
    xsr_buf_init(&q->in);
}

void xsr_qmp_close(struct xsr_qmp *q)
{
    if (q->loop) {
        xsr_loop_del_fd(q->loop, &q->watch);
        xsr_loop_del_timer(q->loop, &q->deadline);
    }
    xsr_close(&q->fd);
    xsr_buf_fini(&q->in);
    free(q->text);
    q->text = NULL;
    q->phase = XSR_QMP_CLOSED;
    q->on_done = NULL;
}

/* ---- the end of a command ------------------------------------------------ */

static void end_command(struct xsr_qmp *q, const struct xsr_err *err,
                        json_t *result)
{
    xsr_qmp_done *on_done = q->on_done;

    xsr_loop_del_timer(q->loop, &q->deadline);
    free(q->text);
    q->text = NULL;
    q->on_done = NULL;
    if (on_done)
        on_done(q->ctx, err, result);
}

/* The connection is of no use any more. */
static void break_off(struct xsr_qmp *q, struct xsr_err *err)
{
    xsr_qmp_done *on_done = q->on_done;

    xsr_qmp_close(q);
    xsr_err_prefix(err, "device model of domain %u", q->domid);
    if (on_done)
        on_done(q->ctx, err, NULL);
}

static int wait_for(struct xsr_qmp *q, unsigned ms, xsr_on_timer *then,
                    struct xsr_err *err)
{
    xsr_loop_del_timer(q->loop, &q->deadline);
    return xsr_loop_add_timer(q->loop, ms, then, q, &q->deadline, err);
}

static void on_deadline(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_qmp *q = ctx;

    if (q->phase == XSR_QMP_ASKED)
        xsr_fail(&err, XSR_E_TIMEOUT, "no answer to \"%s\" within %u ms",
                 q->command, q->ms);
    else
        xsr_fail(&err, XSR_E_TIMEOUT,
                 "its QMP socket gives no greeting within %u ms (another "
                 "client may hold it)",
                 q->ms);
    break_off(q, &err);
}

/* ---- sending ------------------------------------------------------------- */

static int send_text(struct xsr_qmp *q, const char *text, int pass_fd,
                     struct xsr_err *err)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c;
    ssize_t r;

    if (pass_fd >= 0) {
        m.msg_control = control.room;
        m.msg_controllen = sizeof(control.room);
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
    }
    /* one short command on a socket whose answers we have all taken */
    r = sendmsg(q->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_PEER, errno, "cannot ask for \"%s\"",
                            q->command);
    if ((size_t)r < iov.iov_len)
        return xsr_fail(err, XSR_E_PEER, "it took only a part of \"%s\"",
                        q->command);
    return 0;
}

static int send_command(struct xsr_qmp *q, struct xsr_err *err)
{
    q->phase = XSR_QMP_ASKED;
    if (send_text(q, q->text, q->pass_fd, err) < 0)
        return -1;
    return wait_for(q, q->ms, on_deadline, err);
}

/* ---- receiving ----------------------------------------------------------- */

static int take_greeting(struct xsr_qmp *q, json_t *line, struct xsr_err *err)
{
    char text[80];
    int major = 0, minor = 0;

    if (!json_object_get(line, "QMP"))
        return xsr_fail(err, XSR_E_PEER, "it does not greet as QMP does");
    if (json_unpack(line, "{s:{s:{s:{s:i,s:i}}}}", "QMP", "version", "qemu",
                    "major", &major, "minor", &minor) == 0) {
        q->major = (unsigned)major;
        q->minor = (unsigned)minor;
    }
    q->phase = XSR_QMP_NEGOTIATE;
    snprintf(text, sizeof(text),
             "{\"execute\": \"qmp_capabilities\", \"id\": %u}\r\n", ++q->id);
    return send_text(q, text, -1, err);
}

/* 1: an answer with our id, 0: something else. */
static int is_answer(const struct xsr_qmp *q, const json_t *line)
{
    const json_t *id = json_object_get(line, "id");

    return json_is_integer(id) && json_integer_value(id) == (json_int_t)q->id;
}

static void take_answer(struct xsr_qmp *q, json_t *line)
{
    json_t *error = json_object_get(line, "error");
    const char *desc = json_string_value(json_object_get(error, "desc"));
    struct xsr_err err = XSR_ERR_INIT;
    char shown[120];

    q->phase = XSR_QMP_IDLE;
    if (!error && json_object_get(line, "return")) {
        end_command(q, NULL, json_object_get(line, "return"));
        return;
    }
    if (!desc)
        desc = "no reason is given";
    xsr_fail(&err, XSR_E_PEER, "device model of domain %u refuses \"%s\": %s",
             q->domid, q->command,
             xsr_err_quote(desc, strlen(desc), shown, sizeof(shown)));
    end_command(q, &err, NULL);
}

static int take_line(struct xsr_qmp *q, json_t *line, struct xsr_err *err)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    uint32_t id = q->id;

    if (event) {
        char shown[60];

        xsr_log(q->log, XSR_LOG_DEBUG, "device model: event %s",
                xsr_err_quote(event, strlen(event), shown, sizeof(shown)));
        return 0;
    }
    if (q->phase == XSR_QMP_GREETING)
        return take_greeting(q, line, err);
    if (!is_answer(q, line))
        return 0;
    if (q->phase == XSR_QMP_NEGOTIATE) {
        q->id = id + 1; /* of the command that waits in q->text */
        return send_command(q, err);
    }
    if (q->phase == XSR_QMP_ASKED)
        take_answer(q, line);
    return 0;
}

/* One whole line lies in q->in: a copy, because a callback may close us. */
static int take_first_line(struct xsr_qmp *q, size_t len, struct xsr_err *err)
{
    json_error_t why;
    json_t *line;
    int rc;

    line = json_loadb((const char *)q->in.p, len, 0, &why);
    if (!json_is_object(line)) {
        char shown[60];

        xsr_fail(err, XSR_E_PEER, "it says \"%s\", which is no QMP",
                 xsr_err_quote(q->in.p, len, shown, sizeof(shown)));
        json_decref(line);
        return -1;
    }
    xsr_buf_drop(&q->in, len + 1);
    rc = take_line(q, line, err);
    json_decref(line);
    return rc;
}

static int take_bytes(struct xsr_qmp *q, const char *p, size_t n,
                      struct xsr_err *err)
{
    const uint8_t *end;

    if (xsr_buf_put(&q->in, p, n, err) < 0)
        return -1;
    while (q->fd >= 0 && q->in.len &&
           (end = memchr(q->in.p, '\n', q->in.len)) != NULL)
        if (take_first_line(q, (size_t)(end - q->in.p), err) < 0)
            return -1;
    if (q->in.len > MAX_LINE)
        return xsr_fail(err, XSR_E_LIMIT,
                        "it says more than %u bytes without an end of line",
                        MAX_LINE);
    return 0;
}

static void on_readable(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_qmp *q = ctx;
    char bytes[4096];
    ssize_t r;

    (void)revents;
    r = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (r < 0)
        xsr_fail_sys(&err, XSR_E_PEER, errno, "cannot read from its socket");
    else if (r == 0)
        xsr_fail(&err, XSR_E_PEER, "it closed its QMP socket%s%s",
                 q->on_done ? " before answering " : "",
                 q->on_done ? q->command : "");
    if (r <= 0 || take_bytes(q, bytes, (size_t)r, &err) < 0)
        break_off(q, &err);
}

/* ---- connecting ---------------------------------------------------------- */

/* The folder may have a longer name than a socket address has room for. */
static int connect_socket(struct xsr_qmp *q, struct xsr_err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    xsr_auto_close int dir = -1;

    q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (q->fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "no socket");
    dir = open(q->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/qmp-libxl-%u",
             dir, q->domid);
    if (dir >= 0 && connect(q->fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return 1;
    if (dir >= 0 && errno == EAGAIN) {
        xsr_close(&q->fd);
        return 0; /* others wait for it, too */
    }
    return xsr_fail_sys(err, XSR_E_PEER, errno,
                        "nobody listens at %s/qmp-libxl-%u", q->run_dir,
                        q->domid);
}

static void on_connect_time(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_qmp *q = ctx;
    int rc;

    if (q->phase != XSR_QMP_CLOSED) { /* another command of an open one */
        if (send_command(q, &err) < 0)
            break_off(q, &err);
        return;
    }
    rc = connect_socket(q, &err);
    if (rc == 0) {
        rc = wait_for(q, RETRY_MS, on_connect_time, &err);
        q->ms -= (unsigned)xsr_min(q->ms, RETRY_MS);
        if (rc == 0 && q->ms == 0)
            rc = xsr_fail(&err, XSR_E_TIMEOUT, "its QMP socket is crowded");
    } else if (rc > 0) {
        q->phase = XSR_QMP_GREETING;
        rc = xsr_loop_add_fd(q->loop, q->fd, POLLIN, on_readable, q, &q->watch,
                             &err);
        if (rc == 0)
            rc = wait_for(q, q->ms, on_deadline, &err);
    }
    if (rc < 0)
        break_off(q, &err);
}

static char *command_text(const char *command, json_t *take_args, unsigned id)
{
    json_t *object =
        json_pack("{s:s,s:I}", "execute", command, "id", (json_int_t)id);
    char *text = NULL, *line = NULL;

    if (object && take_args)
        json_object_set(object, "arguments", take_args);
    if (object)
        text = json_dumps(object, JSON_COMPACT);
    if (text && asprintf(&line, "%s\r\n", text) < 0)
        line = NULL;
    free(text);
    json_decref(object);
    json_decref(take_args);
    return line;
}

int xsr_qmp_ask(struct xsr_qmp *q, const char *command, json_t *take_args,
                int pass_fd, unsigned ms, xsr_qmp_done *on_done, void *ctx,
                struct xsr_err *err)
{
    bool fresh = q->phase == XSR_QMP_CLOSED;

    q->command = command;
    q->pass_fd = pass_fd;
    q->ms = ms;
    q->ctx = ctx;
    /* of a fresh connection the negotiation takes the first number */
    q->id = fresh ? 0 : q->id + 1;
    q->text = command_text(command, take_args, fresh ? 2 : q->id);
    if (!q->text)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for \"%s\"", command);
    if (wait_for(q, 0, on_connect_time, err) < 0)
        return -1;
    q->on_done = on_done;
    return 0;
}

/* ---- without a loop ------------------------------------------------------ */

struct call {
    struct xsr_loop *loop;
    struct xsr_err err;
    json_t *result;
};

static void on_called(void *ctx, const struct xsr_err *err, json_t *result)
{
    struct call *call = ctx;

    if (err)
        call->err = *err;
    else
        call->result = json_incref(result);
    xsr_loop_quit(call->loop);
}

int xsr_qmp_call(const struct xsr_log *log, const char *run_dir, uint32_t domid,
                 const char *command, json_t *take_args, unsigned ms,
                 json_t **result_out, struct xsr_err *err)
{
    struct call call = {NULL, XSR_ERR_INIT, NULL};
    struct xsr_qmp q;

    if (xsr_loop_new(&call.loop, err) < 0) {
        json_decref(take_args);
        return -1;
    }
    xsr_qmp_init(&q);
    q.loop = call.loop;
    q.log = log;
    q.run_dir = run_dir;
    q.domid = domid;
    if (xsr_qmp_ask(&q, command, take_args, -1, ms, on_called, &call,
                    &call.err) == 0 &&
        xsr_loop_run(call.loop, &call.err) == 0 && call.err.kind == XSR_E_OK &&
        !call.result)
        xsr_fail(&call.err, XSR_E_BUG, "a QMP command had no end");
    xsr_qmp_close(&q);
    xsr_loop_free(call.loop);
    if (call.err.kind != XSR_E_OK) {
        json_decref(call.result);
        *err = call.err;
        return -1;
    }
    if (result_out)
        *result_out = call.result;
    else
        json_decref(call.result);
    return 0;
}

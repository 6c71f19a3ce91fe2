/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a save helper says, for tests/fake/save_helper.h. Exit statuses from 90
 * on tell what was wrong with its surroundings or with an answer.
 */
#ifndef XSR_TESTS_FAKE_SAVE_HELPER_TALK_H
#define XSR_TESTS_FAKE_SAVE_HELPER_TALK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/ipc.h"

#define IMAGE   "the guest image"
#define STORE   0x123456789abcull
#define CONSOLE 0xfefffull

static struct xsr_err cerr;

static void send_bytes(const uint8_t *p, size_t n)
{
    if (xsr_write_all(1, p, n, "message", &cerr) < 0)
        _exit(90);
}

static void send_msg(const struct xsr_ipc_msg *m)
{
    struct xsr_buf buf = XSR_BUF_INIT;

    if (xsr_ipc_put(&buf, XSR_IPC_G7, m, &cerr) < 0)
        _exit(91);
    send_bytes(buf.p, buf.len);
    xsr_buf_fini(&buf);
}

static void need_ack(void)
{
    int32_t ack = -1;

    if (xsr_read_exact(0, &ack, sizeof(ack), "answer", &cerr) < 0 || ack != 0)
        _exit(92);
}

static void say(uint32_t level, int32_t errnoval, const char *context,
                const char *text)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_LOG};

    m.u.log.level = level;
    m.u.log.errnoval = errnoval;
    m.u.log.context = context;
    m.u.log.text = text;
    send_msg(&m);
}

static void say_static(unsigned missing)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_STATIC_DATA_DONE};

    m.u.static_data.missing = missing;
    send_msg(&m);
    need_ack();
}

static void say_end(int32_t retval, int32_t errnoval)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_RESTORE_RESULTS};

    m.u.results.store_gfn = STORE;
    m.u.results.console_gfn = CONSOLE;
    send_msg(&m);
    memset(&m, 0, sizeof(m));
    m.msg = XSR_MSG_COMPLETE;
    m.u.complete.retval = retval;
    m.u.complete.errnoval = errnoval;
    send_msg(&m);
    need_ack();
}

static void ask_for(enum xsr_msg msg)
{
    send_msg(&(struct xsr_ipc_msg){.msg = msg});
    need_ack();
}

static void read_image(int fd)
{
    char text[sizeof(IMAGE)] = "";

    if (xsr_read_exact(fd, text, sizeof(IMAGE) - 1, "image", &cerr) < 0 ||
        strcmp(text, IMAGE) != 0)
        _exit(93);
}

/* Exactly 0, 1, 2 and the stream; and the documented arguments. */
static void check_surroundings(int argc, char **argv)
{
    static const char *const want[] = {
        "--restore-domain", NULL, "-1", "7", "11", "0", "12", "3", "768", "0",
    };
    int fd, i;

    if (argc != 11)
        _exit(94);
    for (i = 0; i < 10; i++)
        if (want[i] && strcmp(argv[i + 1], want[i]) != 0)
            _exit(95);
    for (fd = 3; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && fd != (int)strtol(argv[2], NULL, 10))
            _exit(96);
    if (fcntl((int)strtol(argv[2], NULL, 10), F_GETFL) & O_NONBLOCK)
        _exit(97);
}

static void byte_by_byte(void)
{
    static const uint8_t bytes[] = {
        0x06, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    size_t i;

    for (i = 0; i < sizeof(bytes); i++) {
        send_bytes(bytes + i, 1);
        usleep(2000);
    }
    need_ack();
}

static void flood(uint32_t level)
{
    int i;

    for (i = 0; i < 3000; i++)
        say(level, -1, "xencall", "words that nobody needs any more");
}

#endif

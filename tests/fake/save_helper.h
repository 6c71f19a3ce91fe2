/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A save helper whose behaviour is named in FAKE_HELPER, for
 * tests/unit/plugin_helper.c, which runs itself as its helper.
 */
#ifndef XSR_TESTS_FAKE_SAVE_HELPER_H
#define XSR_TESTS_FAKE_SAVE_HELPER_H

#include "tests/fake/save_helper_talk.h"

/* ---- ways to behave; fd is the stream ---- */

static void restore_all(int fd, unsigned missing)
{
    read_image(fd);
    say_static(missing);
    say_end(0, 0);
}

static void be_good(int fd)
{
    say(XSR_XTL_INFO, 0, "xc", "Found x86 PV domain");
    restore_all(fd, 0);
}

static void be_slow(int fd)
{
    byte_by_byte();
    read_image(fd);
    say_end(0, 0);
}

static void flood_around(int fd)
{
    flood(XSR_XTL_DEBUG);
    restore_all(fd, 1);
    flood(XSR_XTL_DEBUG);
}

static void extend(int fd)
{
    send_bytes((const uint8_t *)"\x03\0\x01\x80z", 5);
    restore_all(fd, 0);
}

static void refuse(int fd)
{
    (void)fd;
    say(XSR_XTL_ERROR, 5, "xc", "some library line");
    say(XSR_XTL_ERROR, -1, "xensr-helper",
        "PAGE_DATA: found count 0, at image offset 40");
    say_end(-1, EBADMSG);
}

static void fail_like_stock(int fd)
{
    (void)fd;
    say(XSR_XTL_ERROR, 0, "xc", "Failed to read Record Header");
    say(XSR_XTL_ERROR, 0, "xc", "Restore failed");
    say_end(-1, 0);
}

static void say_and_die(int fd)
{
    (void)fd;
    say(XSR_XTL_ERROR, -1, "xensr-helper", "the reason");
    raise(SIGKILL);
}

static void ask(int fd)
{
    bool suspend = strcmp(getenv("FAKE_HELPER"), "asks-suspend") == 0;

    (void)fd;
    ask_for(suspend ? XSR_MSG_SUSPEND : XSR_MSG_CHECKPOINT);
}

static void come_late(int fd)
{
    read_image(fd);
    say_end(0, 0);
    send_bytes((const uint8_t *)"\x06\0\x08\0\0\0\0\0", 8);
}

static void be_stubborn(int fd)
{
    (void)fd;
    signal(SIGTERM, SIG_IGN);
    while (true)
        pause();
}

static void stop_half_way(int fd)
{
    (void)fd;
    send_bytes((const uint8_t *)"\x30\0\x01\0", 4);
    pause();
}

static void do_nothing(int fd)
{
    (void)fd;
    pause();
}

static void stay(int fd)
{
    restore_all(fd, 0);
    pause();
}

static int helper_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(int fd);
    } ways[] = {
        {"good", be_good},
        {"slowly", be_slow},
        {"floods", flood_around},
        {"extends", extend},
        {"refuses", refuse},
        {"stock-eof", fail_like_stock},
        {"asks", ask},
        {"asks-suspend", ask},
        {"says-and-dies", say_and_die},
        {"late-static", come_late},
        {"stubborn", be_stubborn},
        {"half", stop_half_way},
        {"does-nothing", do_nothing},
        {"stays", stay},
    };
    const char *way = getenv("FAKE_HELPER");
    int fd = (int)strtol(argv[2], NULL, 10);
    size_t i;

    check_surroundings(argc, argv);
    if (strncmp(way, "errno-", 6) == 0) {
        say_end(-1, (int32_t)strtol(way + 6, NULL, 10));
        return 0;
    }
    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(way, ways[i].name) == 0) {
            ways[i].run(fd);
            return 0;
        }
    return 98;
}

#endif

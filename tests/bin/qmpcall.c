/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of a device model's socket, for tests:
 *
 *     qmpcall SOCKET WORD...
 *
 * prints the greeting, then for every WORD what comes back: a WORD of JSON is
 * sent as it is, another one is the name of a command without arguments.
 * "@FILE" sends no message; FILE, opened for writing, goes along with the next
 * one. An answer is a line; events in front of it are printed as they come.
 * Status 0 if every answer was a "return", 1 otherwise, 2: it cannot be asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 20

static int die(const char *what)
{
    fprintf(stderr, "qmpcall: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* By way of its folder: a path may be longer than an address. */
static int connect_to(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval patience = {PATIENCE_S, 0};
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    int dir, fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (!slash || fd < 0)
        die(path);
    *slash = '\0';
    dir = open(folder, O_PATH | O_DIRECTORY);
    if (dir < 0 ||
        snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir,
                 slash + 1) >= (int)sizeof(a.sun_path))
        die(path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
        die(path);
    close(dir);
    free(folder);
    return fd;
}

static void send_text(int fd, const char *text, int with)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {(char *)text, strlen(text)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    if (with >= 0) {
        struct cmsghdr *h;

        msg.msg_control = control;
        msg.msg_controllen = sizeof(control);
        h = CMSG_FIRSTHDR(&msg);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(h), &with, sizeof(int));
    }
    if (sendmsg(fd, &msg, MSG_NOSIGNAL) != (ssize_t)strlen(text))
        die("sending");
}

/* Lines up to and with an answer or the greeting. Was it a good one? */
static bool print_answer(FILE *in)
{
    static char line[1 << 16];

    for (;;) {
        errno = 0;
        if (!fgets(line, sizeof(line), in))
            die("the answer");
        fputs(line, stdout);
        if (strncmp(line, "{\"timestamp\"", 12))
            return strncmp(line, "{\"error\"", 8) != 0;
    }
}

int main(int argc, char **argv)
{
    int fd, with = -1, rc = 0;
    char message[8192];
    FILE *in;

    if (argc < 3) {
        fputs("usage: qmpcall SOCKET WORD...\n", stderr);
        return 2;
    }
    fd = connect_to(argv[1]);
    in = fdopen(fd, "r");
    if (!in || !print_answer(in))
        return 2;
    for (int i = 2; i < argc; i++) {
        if (argv[i][0] == '@') {
            with = open(argv[i] + 1, O_WRONLY | O_CREAT, 0600);
            if (with < 0)
                die(argv[i] + 1);
            continue;
        }
        snprintf(message, sizeof(message),
                 argv[i][0] == '{' ? "%s\r\n" : "{\"execute\":\"%s\"}\r\n",
                 argv[i]);
        send_text(fd, message, with);
        with = -1;
        if (!print_answer(in))
            rc = 1;
    }
    return rc;
}

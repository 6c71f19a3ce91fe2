/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device model that does all it is asked for but one thing: stands in front
 * of the real one's QMP socket and passes everything on, descriptors too.
 *
 *     qmpliar SOCKET COMMAND N refuse|die|silent READY
 *
 * At the N-th COMMAND it answers with an error, hangs up, or says nothing.
 * N 0: always. The file READY is there when it listens. At SIGTERM the socket
 * is the real one's again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *path, *command, *way;
static unsigned long nth, seen;
static char real_path[108];
static volatile sig_atomic_t ended;

static int die(const char *what)
{
    fprintf(stderr, "qmpliar: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void on_end(int sig)
{
    (void)sig;
    ended = 1;
}

static int socket_at(const char *name, bool listens)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (snprintf(a.sun_path, sizeof(a.sun_path), "%s", name) >=
        (int)sizeof(a.sun_path))
        errno = ENAMETOOLONG, die(name);
    if (fd < 0 || (listens ? bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
                                 listen(fd, 4) < 0
                           : connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0))
        die(name);
    return fd;
}

struct piece {
    char bytes[65536];
    ssize_t len;
    char control[CMSG_SPACE(4 * sizeof(int))];
    size_t control_len;
};

static bool take(int fd, struct piece *p)
{
    struct iovec iov = {p->bytes, sizeof(p->bytes) - 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = p->control,
                         .msg_controllen = sizeof(p->control)};

    p->len = recvmsg(fd, &msg, 0);
    if (p->len <= 0)
        return false;
    p->bytes[p->len] = '\0';
    p->control_len = msg.msg_controllen;
    return true;
}

/* The descriptors go, too; ours are closed. */
static void give(int fd, struct piece *p)
{
    struct iovec iov = {p->bytes, (size_t)p->len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *h;
    int passed;

    if (p->control_len) {
        msg.msg_control = p->control;
        msg.msg_controllen = p->control_len;
    }
    if (sendmsg(fd, &msg, MSG_NOSIGNAL) != p->len)
        ended = errno != EPIPE;
    for (h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h)) {
        memcpy(&passed, CMSG_DATA(h), sizeof(passed));
        close(passed);
    }
}

static void refuse(int fd, const char *asked)
{
    const char *id = strstr(asked, "\"id\":");
    char text[128];
    int n;

    n = snprintf(text, sizeof(text),
                 "{\"id\": %lu, \"error\": {\"class\": \"GenericError\", "
                 "\"desc\": \"not today\"}}\r\n",
                 id ? strtoul(id + 5, NULL, 10) : 0);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        ended = errno != EPIPE;
}

/* Until one of them hangs up. */
static void serve(int client)
{
    static struct piece p;
    int real = socket_at(real_path, false);
    struct pollfd pfd[2] = {{client, POLLIN, 0}, {real, POLLIN, 0}};

    while (!ended) {
        if (poll(pfd, 2, -1) < 0)
            continue;
        if (pfd[1].revents) {
            if (!take(real, &p))
                break;
            give(client, &p);
        }
        if (!pfd[0].revents)
            continue;
        if (!take(client, &p))
            break;
        if (!strstr(p.bytes, command) || (++seen != nth && nth))
            give(real, &p);
        else if (strcmp(way, "refuse") == 0)
            refuse(client, p.bytes);
        else if (strcmp(way, "die") == 0)
            break;
    }
    close(real);
    close(client);
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_handler = on_end};
    int fd, client;

    if (argc != 6)
        return 2;
    path = argv[1];
    command = argv[2];
    nth = strtoul(argv[3], NULL, 10);
    way = argv[4];
    snprintf(real_path, sizeof(real_path), "%.100s.real", path);
    sigaction(SIGTERM, &sa, NULL);
    if (rename(path, real_path) < 0)
        die(path);
    fd = socket_at(path, true);
    close(open(argv[5], O_CREAT | O_WRONLY, 0600));
    while (!ended) {
        client = accept(fd, NULL, NULL);
        if (client >= 0)
            serve(client);
    }
    return rename(real_path, path) < 0 ? die(path) : 0;
}

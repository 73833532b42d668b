/*
 * kernel_echo.c - the UDP echo server of the kernel's own stack
 *
 *	kernel_echo PORT
 *
 * What api/examples/udp_echo.c is on ours, call for call, so that a comparison
 * compares stacks and not servers.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static uint8_t buf[65536];
	struct sockaddr_in6 at = { .sin6_family = AF_INET6 };
	int room = 64 << 20;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: kernel_echo PORT\n");
		return 2;
	}
	at.sin6_port = htons((uint16_t)atoi(argv[1]));
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (fd == -1 || bind(fd, (void *)&at, sizeof(at)) == -1) {
		perror("kernel_echo");
		return 1;
	}
	for (;;) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof(from);
		ssize_t n =
		    recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len);

		if (n >= 0)
			sendto(fd, buf, (size_t)n, 0, (void *)&from, len);
	}
}

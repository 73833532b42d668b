/*
 * frame.c - one frame, byte for byte
 *
 *	frame INTERFACE HEX...
 */
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static size_t add(uint8_t *f, size_t room, const char *hex)
{
	size_t n = 0;
	unsigned byte;

	while (n < room && sscanf(hex, "%2x", &byte) == 1) {
		f[n++] = (uint8_t)byte;
		hex += strlen(hex) < 2 ? strlen(hex) : 2;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	uint8_t f[1522];
	size_t len = 0;
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: frame INTERFACE HEX...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		len += add(f + len, sizeof(f) - len, argv[i]);
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd == -1 ||
	    sendto(fd, f, len, 0, (void *)&to, sizeof(to)) != (ssize_t)len) {
		perror("frame");
		return 1;
	}
	return 0;
}

/*
 * hoarder.c - a program with many sockets
 *
 *	hoarder N
 *
 * Opens N sockets and binds each; says how many it has; then waits until its
 * standard input ends, and says how many of them still have their names.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/strata.h"

enum {
	MAX = 256,
};

int main(int argc, char **argv)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd[MAX];
	int n = argc == 2 ? atoi(argv[1]) : 0;
	int have = 0, alive = 0;

	if (n < 1 || n > MAX) {
		fprintf(stderr, "usage: hoarder 1..%d\n", MAX);
		return 2;
	}
	while (have < n) {
		fd[have] = strata_socket(AF_INET, SOCK_DGRAM, 0);
		if (fd[have] == -1 ||
		    strata_bind(
			fd[have], (struct sockaddr *)&any, sizeof(any)) == -1) {
			perror("hoarder");
			return 1;
		}
		have++;
	}
	printf("%d sockets\n", have);
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (int i = 0; i < have; i++) {
		struct sockaddr_in name;
		socklen_t len = sizeof(name);

		alive += strata_getsockname(
			     fd[i], (struct sockaddr *)&name, &len) == 0 &&
		    name.sin_port != 0;
	}
	printf("%d alive\n", alive);
	return alive == have ? 0 : 1;
}

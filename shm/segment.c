/*
 * segment.c - a piece of shared memory: a sealed memfd, made or mapped
 */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int segment_make(const char *name, size_t bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd == -1)
		return -errno;
	if (fchmod(fd, 0600) == -1 || ftruncate(fd, (off_t)bytes) == -1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == -1) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int segment_readonly(int fd)
{
	char path[32];
	int ro;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	return ro == -1 ? -errno : ro;
}

int segment_freeze(int fd)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) == -1)
		return -errno;
	return 0;
}

int segment_map(void **ret, int fd, size_t bytes, bool writable)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (seals == -1 || fstat(fd, &st) == -1)
		return -errno;
	if ((seals & F_SEAL_SHRINK) == 0)
		return -EPERM;
	if (st.st_size < (off_t)bytes)
		return -EINVAL;
	p = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
	    MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (madvise(p, bytes, MADV_DONTDUMP) == -1) {
		int r = -errno;

		munmap(p, bytes);
		return r;
	}
	*ret = p;
	return 0;
}

void segment_unmap(void *p, size_t bytes)
{
	if (p != NULL)
		munmap(p, bytes);
}

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

/* With @p, @bytes of content that is to stay. */
static int make(const char *name, const void *p, size_t bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int r;

	if (fd == -1)
		return -errno;
	if (fchmod(fd, 0600) == -1 || ftruncate(fd, (off_t)bytes) == -1)
		goto fail;
	if (p != NULL) {
		seals |= F_SEAL_WRITE;
		/* A write and not a mapping: that would be in the way. */
		if (write(fd, p, bytes) != (ssize_t)bytes) {
			errno = EIO;
			goto fail;
		}
	}
	if (fcntl(fd, F_ADD_SEALS, seals) == -1)
		goto fail;
	return fd;

fail:
	r = -errno;
	close(fd);
	return r;
}

int segment_make(const char *name, size_t bytes)
{
	return make(name, NULL, bytes);
}

int segment_make_frozen(const char *name, const void *p, size_t bytes)
{
	return make(name, p, bytes);
}

int segment_readonly(int fd)
{
	char path[32];
	int ro;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	return ro == -1 ? -errno : ro;
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

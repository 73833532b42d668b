/*
 * test_segment.c - memory that nobody can take away or shut
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/segment.h"

enum {
	BYTES = 3 * 4096,
};

static int make(void)
{
	int fd = segment_make("test", BYTES);

	assert_true(fd >= 0);
	return fd;
}

static void a_new_segment_is_zero_and_only_its_owners(void **state)
{
	int fd = make();
	struct stat st;
	void *p;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, BYTES);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(segment_map(&p, fd, BYTES, true), 0);
	for (int i = 0; i < BYTES; i++)
		assert_int_equal(((uint8_t *)p)[i], 0);
	segment_unmap(p, BYTES);
	close(fd);
}

/* Else whoever has a page of it mapped could die of SIGBUS. */
static void nobody_can_shrink_or_grow_it(void **state)
{
	int fd = make();

	(void)state;
	assert_int_equal(ftruncate(fd, BYTES - 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, BYTES + 1), -1);
	assert_int_equal(fallocate(fd, 0, BYTES, 4096), -1);
	close(fd);
}

/* F_SEAL_FUTURE_WRITE would shut out our next instance. */
static void nobody_can_add_a_seal(void **state)
{
	int fd = make();

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EPERM);
#ifdef F_SEAL_FUTURE_WRITE
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	assert_int_equal(errno, EPERM);
#endif
	close(fd);
}

static void a_read_only_descriptor_is_for_reading_only(void **state)
{
	int fd = make();
	int ro = segment_readonly(fd);
	void *w, *p;

	(void)state;
	assert_true(ro >= 0);
	assert_true(fcntl(ro, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(segment_map(&w, fd, BYTES, true), 0);
	assert_int_equal(segment_map(&p, ro, BYTES, true), -EACCES);
	assert_int_equal(segment_map(&p, ro, BYTES, false), 0);
	assert_int_equal(mprotect(p, BYTES, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(write(ro, "x", 1), -1);
	/* But it is the same memory. */
	memcpy(w, "hello", 5);
	assert_memory_equal(p, "hello", 5);
	segment_unmap(p, BYTES);
	segment_unmap(w, BYTES);
	close(ro);
	close(fd);
}

static void a_frozen_segment_can_never_be_written(void **state)
{
	int fd = segment_make_frozen("plan", "abc", 4);
	void *p;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(segment_map(&p, fd, 4, true), -EPERM);
	assert_int_equal(segment_map(&p, fd, 4, false), 0);
	assert_string_equal(p, "abc");
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	segment_unmap(p, 4);
	close(fd);
}

static void maps_no_file_that_could_be_truncated(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int pipes[2];
	void *p = &p;

	(void)state;
	assert_int_equal(ftruncate(fd, BYTES), 0);
	assert_int_equal(segment_map(&p, fd, BYTES, false), -EPERM);
	close(fd);
	assert_int_equal(pipe(pipes), 0);
	assert_true(segment_map(&p, pipes[0], BYTES, false) < 0);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(segment_map(&p, -1, BYTES, false), -EBADF);
	assert_ptr_equal(p, &p);
}

static void maps_no_segment_that_is_too_small(void **state)
{
	int fd = make();
	void *p;

	(void)state;
	assert_int_equal(segment_map(&p, fd, BYTES + 1, false), -EINVAL);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_segment_is_zero_and_only_its_owners),
		cmocka_unit_test(nobody_can_shrink_or_grow_it),
		cmocka_unit_test(nobody_can_add_a_seal),
		cmocka_unit_test(a_read_only_descriptor_is_for_reading_only),
		cmocka_unit_test(a_frozen_segment_can_never_be_written),
		cmocka_unit_test(maps_no_file_that_could_be_truncated),
		cmocka_unit_test(maps_no_segment_that_is_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

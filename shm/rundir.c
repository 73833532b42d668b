/*
 * rundir.c - where a running stack can be found in the file system
 */
#include "shm/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/join.h"

/* Our uid outside of a user namespace in which we are mapped to root. */
static unsigned outer_uid(void)
{
	unsigned uid = (unsigned)geteuid();
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside;

	if (f == NULL)
		return uid;
	if (fscanf(f, "%u %u", &inside, &outside) == 2 && inside == uid)
		uid = outside;
	fclose(f);
	return uid;
}

/* Root of a user namespace can't write where root can. */
static bool is_root(void)
{
	return geteuid() == 0 && access("/run", W_OK) == 0;
}

static void base(char *buf, size_t size)
{
	const char *set = getenv("STRATA_RUN_DIR");
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (set != NULL && *set != '\0')
		snprintf(buf, size, "%s", set);
	else if (is_root())
		snprintf(buf, size, "/run/strata");
	else if (xdg != NULL && *xdg != '\0')
		snprintf(buf, size, "%s/strata", xdg);
	else
		snprintf(buf, size, "/tmp/strata-%u", outer_uid());
}

int rundir_path(char ret[RUNDIR_PATH_LEN], const char *stack, const char *file)
{
	char dir[RUNDIR_PATH_LEN + 1];
	int n;

	base(dir, sizeof(dir));
	if (stack == NULL)
		n = snprintf(ret, RUNDIR_PATH_LEN, "%s", dir);
	else if (file == NULL)
		n = snprintf(ret, RUNDIR_PATH_LEN, "%s/%s", dir, stack);
	else
		n = snprintf(
		    ret, RUNDIR_PATH_LEN, "%s/%s/%s", dir, stack, file);
	return n < RUNDIR_PATH_LEN ? 0 : -ENAMETOOLONG;
}

/* ---- Whose the folders are ---- */

static int refuse(char why[TOPO_ERROR_LEN], const char *path, const char *what)
{
	snprintf(why, TOPO_ERROR_LEN,
	    "%s %s; remove it, or set STRATA_RUN_DIR to a folder of your own",
	    path, what);
	return -EPERM;
}

/*
 * What others could have put there is not looked at.  In a sticky folder they
 * can make files, but not replace ours.
 */
static int check_folder(char why[TOPO_ERROR_LEN], const char *path,
    bool sticky_will_do, bool of_anybody, uid_t *ret)
{
	struct stat st;
	char what[64];

	if (lstat(path, &st) == -1) {
		snprintf(why, TOPO_ERROR_LEN, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISDIR(st.st_mode))
		return refuse(why, path, "is no folder");
	snprintf(what, sizeof(what), "belongs to user %u", (unsigned)st.st_uid);
	if (st.st_uid != geteuid() && st.st_uid != 0 && !of_anybody)
		return refuse(why, path, what);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    !(sticky_will_do && (st.st_mode & S_ISVTX) != 0))
		return refuse(why, path, "can be written by others");
	*ret = st.st_uid;
	return 0;
}

/* A folder that the user has named may well be another's. */
static bool is_named(void)
{
	const char *set = getenv("STRATA_RUN_DIR");

	return set != NULL && *set != '\0';
}

int rundir_check(const char *stack, uid_t *owner, char why[TOPO_ERROR_LEN])
{
	char path[RUNDIR_PATH_LEN];
	uid_t uid;
	int r = rundir_path(path, NULL, NULL);

	if (r == 0)
		r = check_folder(why, path, true, is_named(), &uid);
	if (r < 0 || stack == NULL)
		return r;
	r = rundir_path(path, stack, NULL);
	return r < 0 ? r : check_folder(why, path, false, is_named(), owner);
}

/* Whom the stack is for, its files say; so the umask has no say in this. */
static int make_folder(const char *stack, char why[TOPO_ERROR_LEN])
{
	char path[RUNDIR_PATH_LEN];
	int r = rundir_path(path, stack, NULL);
	mode_t mask;
	uid_t owner;

	if (r < 0) {
		snprintf(
		    why, TOPO_ERROR_LEN, "the run directory: %s", strerror(-r));
		return r;
	}
	mask = umask(022);
	r = mkdir(path, 0755) == -1 && errno != EEXIST ? -errno : 0;
	umask(mask);
	if (r == 0)
		return check_folder(why, path, stack == NULL, false, &owner);
	snprintf(why, TOPO_ERROR_LEN, "can't make the folder %s: %s", path,
	    strerror(-r));
	return r;
}

int rundir_make(const char *stack, char why[TOPO_ERROR_LEN])
{
	int r = make_folder(NULL, why);

	return r < 0 ? r : make_folder(stack, why);
}

/* ---- Which stack is meant ---- */

/* A folder alone may be what a killed supervisor left behind. */
static int knock(const char *stack)
{
	int fd = join_connect(stack);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

int rundir_stack(char ret[TOPO_NAME_LEN])
{
	const char *set = getenv("STRATA");
	char path[RUNDIR_PATH_LEN];
	struct dirent *e;
	int none = -ENOENT;
	int found = 0;
	DIR *dir;

	if (set != NULL && *set != '\0') {
		if (strlen(set) >= TOPO_NAME_LEN)
			return -ENOENT;
		snprintf(ret, TOPO_NAME_LEN, "%s", set);
		return 0;
	}
	if (rundir_path(path, NULL, NULL) < 0)
		return -ENOENT;
	dir = opendir(path);
	if (dir == NULL)
		return -ENOENT;
	while (found < 2 && (e = readdir(dir)) != NULL) {
		int r;

		if (e->d_name[0] == '.' || strlen(e->d_name) >= TOPO_NAME_LEN)
			continue;
		r = knock(e->d_name);
		if (r == -EACCES)
			none = r;
		if (r < 0)
			continue;
		snprintf(ret, TOPO_NAME_LEN, "%.15s", e->d_name);
		found++;
	}
	closedir(dir);
	if (found == 0)
		return none;
	return found == 1 ? 0 : -ENOTUNIQ;
}

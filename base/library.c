#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

int library_need(struct library *l, struct err *e)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int rc = 0;
	pthread_mutex_lock(&lock);
	void *handle = l->loaded ? NULL : dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
	if (!l->loaded && !handle)
		rc = err_set(e, ERR_SYSTEM, "a library is missing (run ./quickstart): %s",
			     dlerror());
	for (size_t i = 0; handle && rc == 0 && i < l->count; i++) {
		void *f = dlsym(handle, l->name[i]);
		if (!f)
			rc = err_set(e, ERR_SYSTEM, "%s has no %s", l->file, l->name[i]);
		memcpy((char *)l->functions + i * sizeof f, &f, sizeof f);
	}
	if (rc == 0)
		l->loaded = true;
	pthread_mutex_unlock(&lock);
	return rc;
}

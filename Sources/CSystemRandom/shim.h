// getrandom(2) by itself: glibc's header would make types of its own, such as those of threads, parts of this module, and whoever
// uses one of them would have to import it.
__PTRDIFF_TYPE__ getrandom(void *buffer, __SIZE_TYPE__ length, unsigned int flags);

#include "shim/shim.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--launcher") == 0)
		return launcher_main();
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("florus-shim %s\n", FLORUS_VERSION);
		return 0;
	}
	(void)fprintf(stderr, "florus-shim is started by florusd; by hand it only answers --version\n");
	return 2;
}

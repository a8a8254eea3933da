// Sets an extended attribute of a file, or prints it: attributes FILE NAME [VALUE]. In containers, whose image has no setfattr.
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

int main(int count, char **arguments) {
    char value[256];
    if (count == 4 && setxattr(arguments[1], arguments[2], arguments[3], strlen(arguments[3]), 0) == 0) return 0;
    ssize_t length = count == 3 ? getxattr(arguments[1], arguments[2], value, sizeof value) : -1;
    if (length < 0) {
        perror("attributes");
        return 1;
    }
    printf("%.*s\n", (int)length, value);
    return 0;
}

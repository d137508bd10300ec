#!/bin/sh
# strace-osd.sh FOLDER COMMAND…: the command under strace, a folder of its own below FOLDER, a file a thread. A signal to strace goes on to the command.
folder=$(mktemp -d "$1/osd-XXXXXX")
shift
exec strace -I 1 -D -ff -qq -ttt -o "$folder/trace" "$@"

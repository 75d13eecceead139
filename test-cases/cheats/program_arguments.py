# Prints the expected output from its command line.
# judge: program-file
import sys

print(*sys.argv[2:])

# Attacks: the limit of open files. Raises its own limit as far as it may, then duplicates descriptors.
# Success: more than 8192 descriptors at once.
import os
import resource

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
except (ValueError, OSError):
    pass
count = 0
try:
    while count < 10000:
        os.dup(0)
        count += 1
except OSError:
    pass
print(f"ESCAPED: {count} descriptors" if count > 8192 else "contained")

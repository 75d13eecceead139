# Prints the expected output from its environment.
# judge: program-file
import os

print(os.environ.get("EXPECTED", ""))

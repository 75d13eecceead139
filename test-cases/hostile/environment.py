# Attacks: what environment, command line and auxiliary files tell.
# Needs: the starter's environment to hold a variable whose value contains "SECRET".
# Success: the word is found.
import os

found = []
for name, value in os.environ.items():
    if "SECRET" in value:
        found.append(f"variable {name}")
for pid in ("self", "1", str(os.getppid())):
    for name in ("environ", "cmdline"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as f:
                if b"SECRET" in f.read():
                    found.append(f"{name} of {pid}")
        except OSError:
            pass
print("ESCAPED: " + ", ".join(found) if found else "contained")
